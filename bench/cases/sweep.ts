import { loadavg } from 'node:os';
import type { Bench, Measurement } from '../measurement.ts';
import { type Cut, cutSettings, massCut } from '../sweep/mass-cut.ts';
import { sessionCounts, steady, steadySettings } from '../sweep/steady.ts';
import { withSweepWorld } from '../sweep/world.ts';

/** Twenty thousand users each time, in rooms where others stay. */
const cuts: Cut[] = [1, 2].flatMap((sweepers): Cut[] => {
  const by = sweepers === 1 ? 'one sweep' : 'two sweeps';
  return [
    { what: `cut of 20 of 25 people in 1,000 rooms, ${by}`, rooms: 1000, people: 25, staying: 5, sweepers },
    { what: `cut of 1 of 2 people in 20,000 rooms, ${by}`, rooms: 20_000, people: 2, staying: 1, sweepers },
  ];
});
cuts.push({
  what: 'cut of 20 of 25 people in 1,000 rooms, two sweeps of which one is killed',
  ...{ rooms: 1000, people: 25, staying: 5, sweepers: 2, kill: true },
});

const load = (when: string): Measurement => ({ what: `load of the machine ${when}`, value: loadavg()[0]!, unit: '' });

/** `--only=steady` or `--only=cut` runs one half; `--sessions=50000` sets the number of sessions of the steady half. */
export const bench: Bench = {
  title: 'The timeout sweep: many sessions, and twenty thousand people cut at one moment',
  async run(flags) {
    const given = (name: string) => flags.find((flag) => flag.startsWith(name))?.slice(name.length);
    const [only, sessions] = [given('--only='), given('--sessions=')];
    const counts = sessions === undefined ? sessionCounts : [Number(sessions)];
    const measurements = [load('before')];
    if (only !== 'steady') {
      await withSweepWorld(cutSettings, async (world) => {
        for (const cut of cuts) {
          console.error(`${cut.what} …`);
          measurements.push(...(await massCut(world, cut)));
        }
      });
    }
    if (only !== 'cut') {
      measurements.push(...(await withSweepWorld(steadySettings, (world) => steady(world, counts, console.error))));
    }
    return [...measurements, load('after')];
  },
};
