import type { Redis } from 'ioredis';
import { countRoom, type Load, type RoomUnits } from '../cost/counted-room.ts';

/** A way to use the product, and what one room of it costs in a second. */
export interface CountedLoad extends Load {
  name: string;
  /** Hours of use in a month. */
  hours: number;
  units: RoomUnits;
}

/** The loads of the tables: rooms of ten in which nobody moves, one of ten moves, or a third moves quickly. */
export const loads: readonly Omit<CountedLoad, 'units'>[] = [
  { name: 'quiet', people: 10, movers: 0, hertz: 1, hours: 176 },
  { name: 'usual', people: 10, movers: 1, hertz: 5, hours: 176 },
  { name: 'busy', people: 10, movers: 3, hertz: 10, hours: 176 },
];

/** Seconds of the simulated clock for which each load is counted. */
const countedSeconds = 120;

/** Counts the loads by the product's own scripts in a real Redis. */
export async function countLoads(redis: Redis): Promise<CountedLoad[]> {
  const counted: CountedLoad[] = [];
  for (const load of loads) counted.push({ ...load, units: rounded(await countRoom(redis, load, countedSeconds)) });
  return counted;
}

function rounded(units: RoomUnits): RoomUnits {
  const entries = Object.entries(units).map(([name, value]) => [name, Number(value.toPrecision(3))]);
  return Object.fromEntries(entries) as unknown as RoomUnits;
}
