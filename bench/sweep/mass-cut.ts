import { setTimeout as pause } from 'node:timers/promises';
import type { Measurement } from '../measurement.ts';
import { cpuSecondsOf } from '../rooms/process-tree.ts';
import { makeRooms } from './room.ts';
import type { SweepWorld } from './world.ts';

/** The silence after which somebody is gone is short, so that the measurement is: the bound counts from its end. */
export const cutSettings = { PRESENCE_UPDATE_SECONDS: '15', HEARTBEAT_TIMEOUT_SECONDS: '15' };
/** Rule PR12: everybody has left for the others this long after the time-out, at the latest. */
const boundMillis = 5000;
const patienceMillis = 60_000;

export interface Cut {
  what: string;
  rooms: number;
  people: number;
  /** Those of each room who stay and hear of it. */
  staying: number;
  sweepers: number;
  /** Whether one of them is killed while it works. */
  kill?: boolean;
}

/** Many people fall silent at one moment. How long after their time-out is everything told, and everything written? */
export async function massCut(world: SweepWorld, cut: Cut): Promise<Measurement[]> {
  const { generator, arrived } = world;
  await generator.clear();
  const rooms = makeRooms(cut.rooms, cut.people);
  await generator.fill(rooms);
  const sweepers = world.startSweepers(cut.sweepers);
  try {
    // Each sweep has taken its share, and kept house.
    await pause(6000);
    const due = Date.now() + world.offlineAfterMillis;
    await generator.cut(rooms, cut.staying, Date.now());
    arrived.length = 0;
    await pause(due - Date.now());
    const [cpuBefore, allBefore] = [await sweepers.cpuSeconds(), await cpuSecondsOf(process.pid)];
    if (cut.kill) setTimeout(() => sweepers.killOne(), 300);
    const gone = cut.rooms * (cut.people - cut.staying);
    const writtenAt = await written(world, gone);
    const heard = gone * cut.staying;
    const toldAt = await told(world, heard, due);
    const cpu = (await sweepers.cpuSeconds()) - cpuBefore;
    const all = (await cpuSecondsOf(process.pid)) - allBefore;
    return [
      { what: 'announced to everybody after', value: (toldAt - due) / 1000, unit: 's' },
      { what: 'written down after', value: (writtenAt - due) / 1000, unit: 's' },
      { what: 'of the bound of 5 s', value: Math.max(toldAt - due, writtenAt - due) / boundMillis, unit: '×' },
      // Of a killed process nobody can say what it used.
      ...(cut.kill ? [] : [{ what: 'CPU of the sweeps', value: cpu, unit: 's' }]),
      { what: 'CPU of everything, the servers and this benchmark too', value: all, unit: 's' },
    ].map((one) => ({ ...one, what: `${cut.what}: ${one.what}` }));
  } finally {
    await sweepers.stop();
  }
}

/** When the trail has all the goings and all the places are free. */
async function written({ pool }: SweepWorld, expected: number): Promise<number> {
  const until = Date.now() + patienceMillis;
  for (;;) {
    const { rows } = await pool.query<{ gone: number; free: number }>(
      `SELECT (SELECT count(*) FROM activity_log WHERE activity_type = 'user_timeout')::integer AS gone,
        (SELECT count(*) FROM session_participants WHERE left_at IS NOT NULL)::integer AS free`,
    );
    const { gone, free } = rows[0]!;
    if (gone === expected && free === expected) return Date.now();
    if (Date.now() > until)
      throw new Error(`Of ${expected} goings ${gone} are written down, and ${free} places are free.`);
    await pause(250);
  }
}

/** When the last of those who stay heard of the last who is gone. */
async function told({ arrived }: SweepWorld, expected: number, due: number): Promise<number> {
  const until = Date.now() + patienceMillis;
  for (;;) {
    const leaves = arrived.reduce((sum, { frame }) => sum + (frame.leaves?.length ?? 0), 0);
    if (leaves === expected) return arrived.reduce((last, { at }) => Math.max(last, at), due);
    if (leaves > expected || Date.now() > until) throw new Error(`Of ${expected} leaves ${leaves} were heard.`);
    await pause(20);
  }
}
