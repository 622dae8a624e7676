import type { Redis } from 'ioredis';
import type { Pool } from 'pg';
import { inParallel } from '../../lambdas/platform/in-parallel.ts';
import { Deadlines } from '../../lambdas/presence/deadlines.ts';
import { presenceKeys } from '../../lambdas/presence/keys.ts';
import { MovingSessions } from '../../lambdas/presence/moving-sessions.ts';
import { PresenceStore } from '../../lambdas/presence/presence-store.ts';
import type { Timings } from '../../protocol/timings.ts';
import type { GeneratedRoom } from './room.ts';

const inFlight = 100;
const roomsPerStatement = 2000;
const roomsPerPiece = 50;
/** The product visits each session at least this often. */
const visitMillis = 30_000;

type Pipeline = ReturnType<Redis['pipeline']>;

/**
 * Writes users to Redis and PostgreSQL with the product's scripts and tables, but without functions and sockets. The
 * sweep sees the same data at a hundredth of the cost.
 */
export class Generator {
  readonly #redis: Redis;
  readonly #pool: Pool;
  readonly #store: PresenceStore;
  readonly #deadlines: Deadlines;
  readonly #moving: MovingSessions;
  readonly #timings: Timings;

  constructor(redis: Redis, pool: Pool, timings: Timings) {
    [this.#redis, this.#pool, this.#timings] = [redis, pool, timings];
    this.#store = new PresenceStore(redis, timings);
    this.#deadlines = new Deadlines(redis);
    this.#moving = new MovingSessions(redis);
  }

  /** Empties Redis and PostgreSQL. */
  async clear(): Promise<void> {
    await this.#redis.flushall();
    await this.#pool.query('TRUNCATE users, collaboration_sessions, activity_log, activity_unsealed CASCADE');
    await this.#deadlines.markComplete();
  }

  /**
   * Gives each user a slot, a join in the audit trail and a seat in Redis. The visits are spread over their interval.
   */
  async fill(rooms: readonly GeneratedRoom[]): Promise<void> {
    for (let from = 0; from < rooms.length; from += roomsPerStatement) {
      await this.#writeDown(rooms.slice(from, from + roomsPerStatement));
    }
    await this.#pool.query('ANALYZE');
    await inParallel(rooms, inFlight, async ({ sessionId, people }) => {
      for (const { userId, connectionId } of people) {
        const person = { username: 'Somebody', role: 'viewer', arrivalState: 'written' } as const;
        await this.#store.enter({ sessionId, userId, connectionId }, person, Date.now());
      }
      await this.#deadlines.schedule(sessionId, Date.now() + Math.random() * visitMillis);
    });
  }

  /** Writes a sign of life of all users in these rooms, as their heartbeats do. */
  beat(rooms: readonly GeneratedRoom[], now: number): Promise<void> {
    return this.#inPieces(rooms, (pipeline, room) => this.#noteSigns(pipeline, room, room.people, now));
  }

  /**
   * Writes the last sign of life of the users who are cut, and a slightly later one of those who stay. A room is due
   * when the first one times out.
   */
  async cut(rooms: readonly GeneratedRoom[], staying: number, at: number): Promise<void> {
    const { offlineAfterMillis } = this.#timings;
    await this.#inPieces(rooms, (pipeline, room) => {
      this.#noteSigns(pipeline, room, room.people.slice(staying), at);
      this.#noteSigns(pipeline, room, room.people.slice(0, staying), at + 10 * offlineAfterMillis);
    });
    await inParallel(rooms, inFlight, ({ sessionId }) => this.#deadlines.schedule(sessionId, at + offlineAfterMillis));
  }

  /** Writes the windows of rooms with moving cursors, as their flushers do. */
  move(rooms: readonly GeneratedRoom[], now: number): Promise<void> {
    return this.#inPieces(rooms, (pipeline, { sessionId }) =>
      pipeline.hset(presenceKeys.window(sessionId), 'ends', now + 100),
    );
  }

  /** Tells the sweep that cursors move in these rooms, as their first flushers do. */
  async tellOfMovement(rooms: readonly GeneratedRoom[]): Promise<void> {
    await inParallel(rooms, inFlight, ({ sessionId }) => this.#moving.add(sessionId, Date.now()));
  }

  /** Leaves a cursor in the window of each of these rooms, with a flusher that has died. */
  async strand(rooms: readonly GeneratedRoom[]): Promise<void> {
    await inParallel(rooms, inFlight, async ({ sessionId, people }) => {
      for (const { userId, connectionId } of people.slice(0, 2)) {
        const cursor = { eventId: 'e1', position: Math.floor(Math.random() * 1e6) };
        await this.#store.touch({ sessionId, userId, connectionId }, { kind: 'cursor', cursor }, Date.now());
      }
      await this.#moving.add(sessionId, Date.now());
    });
  }

  /** The load is written in small batches, so that it blocks neither Redis nor this process. */
  async #inPieces(
    rooms: readonly GeneratedRoom[],
    add: (pipeline: Pipeline, room: GeneratedRoom) => unknown,
  ): Promise<void> {
    for (let from = 0; from < rooms.length; from += roomsPerPiece) {
      const pipeline = this.#redis.pipeline();
      for (const room of rooms.slice(from, from + roomsPerPiece)) add(pipeline, room);
      await pipeline.exec();
    }
  }

  #noteSigns(pipeline: Pipeline, { sessionId }: GeneratedRoom, people: GeneratedRoom['people'], at: number): void {
    const ends = Math.round(at + this.#timings.offlineAfterMillis);
    for (const { userId, connectionId } of people) {
      pipeline.zadd(presenceKeys.users(sessionId), 'XX', Math.round(at), userId);
      pipeline.zadd(presenceKeys.connections(sessionId), 'XX', Math.round(at), `${userId}:${connectionId}`);
      pipeline.pexpireat(presenceKeys.record(sessionId, userId), ends);
    }
  }

  async #writeDown(rooms: readonly GeneratedRoom[]): Promise<void> {
    const seats = rooms.flatMap(({ sessionId, people }) => people.map(({ userId }) => ({ sessionId, userId })));
    const values = [seats.map(({ userId }) => userId)];
    await this.#pool.query(
      `INSERT INTO users (id, username) SELECT id, 'Somebody' FROM unnest($1::uuid[]) AS g (id)`,
      values,
    );
    await this.#pool.query(
      `INSERT INTO collaboration_sessions (id, operation_id, session_id, owner_id, max_participants)
       SELECT id, 'bench', 'SESSION-BENCH-' || id, owner, 1000 FROM unnest($1::uuid[], $2::uuid[]) AS g (id, owner)`,
      [rooms.map(({ sessionId }) => sessionId), rooms.map(({ people }) => people[0]!.userId)],
    );
    const pairs = [seats.map(({ sessionId }) => sessionId), values[0]];
    await this.#pool.query(
      `INSERT INTO session_participants (session_id, user_id, name, role, joined_at, last_seen_at)
       SELECT session_id, user_id, 'Somebody', 'viewer', now() - interval '1 minute', now() - interval '1 minute'
       FROM unnest($1::uuid[], $2::uuid[]) AS g (session_id, user_id)`,
      pairs,
    );
    await this.#pool.query(
      `INSERT INTO activity_log (session_id, user_id, username, activity_type, details, created_at)
       SELECT session_id, user_id, 'Somebody', 'user_joined', '{"role":"viewer"}', now() - interval '1 minute'
       FROM unnest($1::uuid[], $2::uuid[]) AS g (session_id, user_id)`,
      pairs,
    );
  }
}
