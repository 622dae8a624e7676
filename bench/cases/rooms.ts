import { type Bench, type Measurement, median, readable } from '../measurement.ts';
import { installPeers } from '../peers/install.ts';
import { type Figures, figuresOf, units } from '../rooms/figures.ts';
import { measureRoom, type Pace } from '../rooms/measure-room.ts';
import { nameOf, type Room, rooms } from '../rooms/room.ts';
import { type Contestant, contestants } from '../rooms/servers.ts';

/** Warm means that the engines have compiled what is hot, in every environment: minutes are usual, seconds are not. */
const pace: Pace = { warmUpMillis: 20_000, measuredMillis: 8000, drainMillis: 1500 };
const floor = contestants[0]!.name;

/** Reads `--name=a,b`. */
function listOf(flags: string[], name: string): string[] | undefined {
  const flag = flags.find((each) => each.startsWith(`--${name}=`));
  return flag
    ?.slice(name.length + 3)
    .split(',')
    .map((each) => each.trim().toLowerCase());
}

function chosen<T>(all: readonly T[], names: string[] | undefined, nameOfOne: (one: T) => string): T[] {
  return all.filter((one) => !names || names.some((name) => nameOfOne(one).toLowerCase().split(', ').includes(name)));
}

/** The servers take turns in a room, so that a machine that is busy for a while is busy for all of them. */
async function measureTurns(room: Room, servers: Contestant[], turns: number): Promise<Map<string, Figures[]>> {
  const figures = new Map<string, Figures[]>();
  for (let turn = 0; turn < turns; turn++) {
    for (const server of servers) {
      try {
        const measured = figuresOf(await measureRoom(server, room, pace));
        figures.set(server.name, [...(figures.get(server.name) ?? []), measured]);
        print(room, server.name, measured, figures.get(floor)?.at(-1));
      } catch (error) {
        console.log(`  ${nameOf(room).padEnd(14)}${server.name.padEnd(20)}gives in: ${(error as Error).message}`);
      }
    }
  }
  return figures;
}

const head = ['CPU s/1,000', '× floor', 'p50 ms', 'p95 ms', 'p99 ms', 'bytes', 'replaced', 'lost', 'posts', 'billed'];

function print(room: Room, server: string, figures: Figures, base: Figures | undefined): void {
  const { cpu, p50, p95, p99, bytes, replaced, lost, posts, billed } = figures;
  const percent = (share: number) => `${readable(100 * share)} %`;
  const cells = [
    ...[readable(cpu), base ? readable(cpu / base.cpu) : '–', readable(p50), readable(p95), readable(p99)],
    ...[readable(bytes), percent(replaced), percent(lost), percent(posts), percent(billed)],
  ];
  const columns = cells.map((cell, index) => cell.padStart(head[index]!.length + 1)).join(' ');
  console.log(`  ${nameOf(room).padEnd(14)}${server.padEnd(20)}${columns}`);
}

/** The middle of the turns, figure by figure. */
function measurementsOf(room: Room, figures: Map<string, Figures[]>): Measurement[] {
  const names = Object.keys(units) as (keyof Figures)[];
  return [...figures].flatMap(([server, turns]) =>
    names.map((name) => ({
      what: `${nameOf(room)}, ${server}: ${name}`,
      value: median(turns.map((turn) => turn[name])),
      unit: units[name],
      ...(server === floor ? {} : { comparedWith: `${nameOf(room)}, ${floor}: ${name}` }),
    })),
  );
}

export const bench: Bench = {
  title: 'Cursors of 128 bytes in rooms, by server (`senders-in-members`, ten updates a second each unless said)',
  talks: true,
  /** `--rooms=50-in-50,…`, `--servers=rollcall,compact,socket.io,…` (beside the floor), `--turns=3`. */
  async run(flags) {
    const others = chosen(contestants.slice(1), listOf(flags, 'servers'), (one) => one.name);
    const turns = Number(listOf(flags, 'turns')?.[0] ?? 1);
    if (others.some((one) => one.peer)) await installPeers();
    console.log(`  ${'room'.padEnd(14)}${'server'.padEnd(20)}${head.map((title) => ` ${title}`).join(' ')}`);
    const measurements: Measurement[] = [];
    for (const room of chosen(rooms, listOf(flags, 'rooms'), nameOf)) {
      const servers = [contestants[0]!, ...others].filter(({ takes }) => takes?.(room) ?? true);
      measurements.push(...measurementsOf(room, await measureTurns(room, servers, turns)));
    }
    return measurements;
  },
};
