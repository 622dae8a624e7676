import { setTimeout as pause } from 'node:timers/promises';
import type { Measurement } from '../measurement.ts';
import { cpuSecondsOf } from '../rooms/process-tree.ts';
import { makeRooms } from './room.ts';
import type { SweepWorld } from './world.ts';

/** The presence time-out is short, to shorten the measurement. The bound counts from its end. */
export const cutSettings = { PRESENCE_UPDATE_SECONDS: '15', HEARTBEAT_TIMEOUT_SECONDS: '15' };
/** The bound of [PR12]: all leaves are announced within this time after the time-out. */
const boundMillis = 5000;
const timeoutMillis = 60_000;

export interface Cut {
  what: string;
  rooms: number;
  people: number;
  /** The number of users in each room who stay and receive the leaves. */
  staying: number;
  sweepers: number;
  /** Whether one of the sweeps is killed while it works. */
  kill?: boolean;
}

/**
 * Many users stop sending at the same moment. Measures the time from their time-out until all leaves are announced and
 * recorded.
 */
export async function massCut(world: SweepWorld, cut: Cut): Promise<Measurement[]> {
  const { generator, arrived } = world;
  await generator.clear();
  const rooms = makeRooms(cut.rooms, cut.people);
  await generator.fill(rooms);
  const sweepers = world.startSweepers(cut.sweepers);
  try {
    // By now, each sweep has its shards and has done its first maintenance.
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
      // The CPU time of a killed process is unknown.
      ...(cut.kill ? [] : [{ what: 'CPU of the sweeps', value: cpu, unit: 's' }]),
      { what: 'CPU of everything, the servers and this benchmark too', value: all, unit: 's' },
    ].map((one) => ({ ...one, what: `${cut.what}: ${one.what}` }));
  } finally {
    await sweepers.stop();
  }
}

/** Waits until the audit trail has all leaves and all slots are free. Returns the time. */
async function written({ pool }: SweepWorld, expected: number): Promise<number> {
  const until = Date.now() + timeoutMillis;
  for (;;) {
    const { rows } = await pool.query<{ gone: number; free: number }>(
      `SELECT (SELECT count(*) FROM activity_log WHERE activity_type = 'user_timeout')::integer AS gone,
        (SELECT count(*) FROM session_participants WHERE left_at IS NOT NULL)::integer AS free`,
    );
    const { gone, free } = rows[0]!;
    if (gone === expected && free === expected) return Date.now();
    if (Date.now() > until) throw new Error(`Of ${expected} leaves ${gone} are recorded, and ${free} slots are free.`);
    await pause(250);
  }
}

/** Waits until all remaining users received all leaves. Returns the time of the last one. */
async function told({ arrived }: SweepWorld, expected: number, due: number): Promise<number> {
  const until = Date.now() + timeoutMillis;
  for (;;) {
    const leaves = arrived.reduce((sum, { frame }) => sum + (frame.leaves?.length ?? 0), 0);
    if (leaves === expected) return arrived.reduce((last, { at }) => Math.max(last, at), due);
    if (leaves > expected || Date.now() > until) throw new Error(`Of ${expected} leaves ${leaves} were received.`);
    await pause(20);
  }
}
