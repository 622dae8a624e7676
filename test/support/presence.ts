import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { PresenceStore, type Seat } from '../../lambdas/presence/presence-store.ts';
import { readTimings, type Timings } from '../../protocol/timings.ts';

/** A session in Redis with its own clock, so that a test need not wait. */
export class PresenceFixture {
  readonly sessionId = randomUUID();
  readonly timings: Timings;
  readonly store: PresenceStore;
  /** The time in Unix milliseconds; tests advance it. */
  now = Date.now();

  constructor(redis: Redis, environment: Record<string, string> = {}) {
    this.timings = readTimings(environment);
    this.store = new PresenceStore(redis, this.timings);
  }

  seat(userId: string, connectionId: string): Seat {
    return { sessionId: this.sessionId, userId, connectionId };
  }

  enter(userId: string, connectionId: string, role: 'viewer' | 'commenter' | 'operator' = 'viewer') {
    return this.store.enter(this.seat(userId, connectionId), { username: `name of ${userId}`, role }, this.now);
  }

  heartbeat(userId: string, connectionId: string, idle = false) {
    return this.store.touch(this.seat(userId, connectionId), { kind: 'heartbeat', idle }, this.now);
  }

  cursor(userId: string, connectionId: string, position: number) {
    const cursor = { eventId: 'event', position };
    return this.store.touch(this.seat(userId, connectionId), { kind: 'cursor', cursor }, this.now);
  }

  update(
    userId: string,
    connectionId: string,
    change: { status?: 'online' | 'away' | 'offline'; activity?: string | null },
  ) {
    return this.store.touch(this.seat(userId, connectionId), { kind: 'update', ...change }, this.now);
  }

  visit() {
    return this.store.visit(this.sessionId, this.now);
  }

  close(userId: string, connectionId: string, graceMillis = this.timings.graceMillis) {
    return this.store.close(this.seat(userId, connectionId), this.now + graceMillis, 'disconnected', this.now);
  }

  async users() {
    return (await this.store.list(this.sessionId, this.now))!.users;
  }

  async statusOf(userId: string) {
    return (await this.users()).find((user) => user.userId === userId)?.status;
  }

  pass(seconds: number): void {
    this.now += seconds * 1000;
  }
}
