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
/** As the product visits a session at least this often. */
const visitMillis = 30_000;

type Pipeline = ReturnType<Redis['pipeline']>;

/**
 * Puts people into Redis and PostgreSQL by the scripts and tables of the product, but without functions and sockets
 * between: the sweep meets what it would meet, at a hundredth of the cost.
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
    await this.#deadlines.markWhole();
  }

  /** Everybody holds a place, is in the audit trail as come, and sits in Redis; the visits are spread over their interval. */
  async fill(rooms: readonly GeneratedRoom[]): Promise<void> {
    for (let from = 0; from < rooms.length; from += roomsPerStatement) {
      await this.#writeDown(rooms.slice(from, from + roomsPerStatement));
    }
    await this.#pool.query('ANALYZE');
    await inParallel(rooms, inFlight, async ({ sessionId, people }) => {
      for (const { userId, connectionId } of people) {
        const person = { username: 'Somebody', role: 'viewer', place: 'written' } as const;
        await this.#store.enter({ sessionId, userId, connectionId }, person, Date.now());
      }
      await this.#deadlines.schedule(sessionId, Date.now() + Math.random() * visitMillis);
    });
  }

  /** A sign of life of everybody in these rooms, as their heartbeats leave it. */
  beat(rooms: readonly GeneratedRoom[], now: number): Promise<void> {
    return this.#inPieces(rooms, (pipeline, room) => this.#noteSigns(pipeline, room, room.people, now));
  }

  /** The last sign of life of those who are cut, and one of a moment later of those who stay: a room is due when it ends. */
  async cut(rooms: readonly GeneratedRoom[], staying: number, at: number): Promise<void> {
    const { offlineAfterMillis } = this.#timings;
    await this.#inPieces(rooms, (pipeline, room) => {
      this.#noteSigns(pipeline, room, room.people.slice(staying), at);
      this.#noteSigns(pipeline, room, room.people.slice(0, staying), at + 10 * offlineAfterMillis);
    });
    await inParallel(rooms, inFlight, ({ sessionId }) => this.#deadlines.schedule(sessionId, at + offlineAfterMillis));
  }

  /** The windows of rooms whose cursors move, as their flushers leave them. */
  move(rooms: readonly GeneratedRoom[], now: number): Promise<void> {
    return this.#inPieces(rooms, (pipeline, { sessionId }) =>
      pipeline.hset(presenceKeys.window(sessionId), 'ends', now + 100),
    );
  }

  /** Tells the sweep that something moves in these rooms, as their first flushers do. */
  async tellOfMovement(rooms: readonly GeneratedRoom[]): Promise<void> {
    await inParallel(rooms, inFlight, ({ sessionId }) => this.#moving.add(sessionId, Date.now()));
  }

  /** Somebody's cursor waits for the end of a window in each of these rooms, and whoever promised to send it is dead. */
  async strand(rooms: readonly GeneratedRoom[]): Promise<void> {
    await inParallel(rooms, inFlight, async ({ sessionId, people }) => {
      for (const { userId, connectionId } of people.slice(0, 2)) {
        const cursor = { eventId: 'e1', position: Math.floor(Math.random() * 1e6) };
        await this.#store.touch({ sessionId, userId, connectionId }, { kind: 'cursor', cursor }, Date.now());
      }
      await this.#moving.add(sessionId, Date.now());
    });
  }

  /** The load comes in small pieces: neither Redis nor this process may stand still for it. */
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
