import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { encodeFrame } from '../../lambdas/delivery/broadcaster.ts';
import { cursorPosts } from '../../lambdas/delivery/cursor-frames.ts';
import { diffFrames } from '../../lambdas/delivery/diff-frames.ts';
import { hasNews, type PresenceOutcome } from '../../lambdas/presence/outcome.ts';
import { PresenceStore, type Seat } from '../../lambdas/presence/presence-store.ts';
import { readTimings } from '../../protocol/timings.ts';

/** What happens in one room in one second, on average. */
export interface RoomUnits {
  /** Messages of the clients: cursors and heartbeats. */
  messages: number;
  /** Posts to connections. */
  posts: number;
  /** Billed messages of the posts: each begun 32 KB is one. */
  postUnits: number;
  /** Bytes of the posted frames. */
  postBytes: number;
  /** Runs of scripts in Redis. */
  scripts: number;
  /** Seconds in which functions wait for the end of a window. */
  waits: number;
}

export interface Load {
  /** How many users are in the room, each with one connection. */
  people: number;
  /** How many of them move their cursor. */
  movers: number;
  /** Updates of each mover in a second. */
  hertz: number;
}

export const unitBytes = 32 * 1024;
/** The counting begins after this time of the simulated clock, when the first windows are over. */
const warmUpMillis = 2_000;
const heartbeatMillis = readTimings({}).heartbeatMillis;

/** Something that happens at a time of the simulated clock, Unix milliseconds. */
interface Event {
  at: number;
  run: () => Promise<void>;
}

/**
 * Counts what a room costs. It sends the frames of the users to the product's own scripts in a real Redis, and encodes the
 * frames as the product does. Only the clock is simulated, so a minute takes a moment.
 *
 * @param seconds how long the room is counted, on the simulated clock.
 */
export async function countRoom(redis: Redis, { people, movers, hertz }: Load, seconds: number): Promise<RoomUnits> {
  const store = new PresenceStore(redis, readTimings({}));
  const sessionId = randomUUID();
  const seats = Array.from({ length: people }, (_, user): Seat => {
    return { sessionId, userId: randomUUID(), connectionId: `c${user}` };
  });
  const start = Date.now();
  const [from, to] = [start + warmUpMillis, start + warmUpMillis + seconds * 1000];
  const sum: RoomUnits = { messages: 0, posts: 0, postUnits: 0, postBytes: 0, scripts: 0, waits: 0 };
  const add = (at: number, units: Partial<RoomUnits>) => {
    if (at < from || at >= to) return;
    for (const [name, value] of Object.entries(units)) sum[name as keyof RoomUnits] += value;
  };
  const flushes: Event[] = [];

  const told = (outcome: PresenceOutcome, at: number) => {
    const cursors = outcome.batch ? cursorPosts(sessionId, outcome.batch).map((post) => post.bytes.length) : [];
    const diffs = hasNews(outcome) ? diffFrames({ sessionId, ...outcome }, outcome.parts) : [];
    const frames = diffs.flatMap((frame) => outcome.receivers.map(() => encodeFrame(frame).length));
    for (const postBytes of [...cursors, ...frames]) {
      add(at, { posts: 1, postBytes, postUnits: Math.ceil(postBytes / unitBytes) });
    }
    const { promise } = outcome;
    if (!promise) return;
    add(at, { waits: Math.max(0, promise.endsAt - at) / 1000 });
    const flush = async () => {
      add(promise.endsAt, { scripts: 1 });
      told(await store.flush(sessionId, promise.endsAt, promise.endsAt), promise.endsAt);
    };
    flushes.push({ at: promise.endsAt, run: flush });
  };
  const send = async (at: number, seat: Seat, touch: Parameters<PresenceStore['touch']>[1]) => {
    add(at, { messages: 1, scripts: 1 });
    const outcome = await store.touch(seat, touch, at);
    if (!outcome) throw new Error('A user of the counted room timed out.');
    told(outcome, at);
  };

  for (const seat of seats) await store.enter(seat, { username: 'Person', role: 'viewer', compact: true }, start);
  const frames = seats.flatMap((seat, user): Event[] => {
    const period = user < movers ? 1000 / hertz : heartbeatMillis;
    // Users do not move in step. The golden ratio spreads them evenly, whatever their number.
    const first = start + 1 + ((user * 0.618_034) % 1) * period;
    return Array.from({ length: Math.ceil((to - first) / period) }, (_, step) => {
      const at = Math.round(first + step * period);
      const cursor = { x: (step * 17) % 1920, y: (user * 31 + step * 3) % 1080 };
      const touch = user < movers ? { kind: 'cursor' as const, cursor } : { kind: 'heartbeat' as const, idle: true };
      return { at, run: () => send(at, seat, touch) };
    });
  });
  frames.sort((one, other) => one.at - other.at);
  for (const frame of frames) {
    for (let due = takeDue(flushes, frame.at); due; due = takeDue(flushes, frame.at)) await due.run();
    await frame.run();
  }
  await redis.del(...(await redis.keys(`*{${sessionId}}*`)));
  return Object.fromEntries(
    Object.entries(sum).map(([name, value]) => [name, value / seconds]),
  ) as unknown as RoomUnits;
}

/** Takes the earliest event up to a time. */
function takeDue(events: Event[], until: number): Event | undefined {
  const first = events.toSorted((one, other) => one.at - other.at)[0];
  if (!first || first.at > until) return undefined;
  events.splice(events.indexOf(first), 1);
  return first;
}
