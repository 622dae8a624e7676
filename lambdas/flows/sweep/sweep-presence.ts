import type { Timings } from '../../../protocol/timings.ts';
import { withLogContext } from '../../platform/log-context.ts';
import { isAway } from '../../platform/unavailable.ts';
import type { Services } from '../../services/services.ts';
import { SweepFigures } from '../figures/sweep-figures.ts';
import { MovementWriter } from '../journal/movement-writer.ts';
import { relearnIndex } from '../presence/recover-presence.ts';
import { retryMillis, visitSession } from '../presence/visit-sessions.ts';
import type { SweepCause, SweepRun } from '../scheduling/sweep-run.ts';
import { startSweep } from '../scheduling/sweep-waker.ts';
import { WebhookWatch } from '../webhooks/watch-webhooks.ts';
import { checkLiveness } from './housekeeping.ts';
import { LastSeenUpdates } from './last-seen-updates.ts';
import { OutageRecovery } from './outage-recovery.ts';
import { ServiceSpending } from './service-spending.ts';
import { SweepShards } from './sweep-shards.ts';
import { VisitPool } from './visit-pool.ts';
import { watchWindows } from './watch-windows.ts';

/**
 * The time between two ticks. A schedule starts a sweep once a minute, and the sweep looks at this interval as long as
 * anybody is present.
 */
export function tickMillisOf({ offlineAfterMillis }: Timings): number {
  return Math.min(1000, Math.max(100, offlineAfterMillis / 10));
}
/** Looks at the windows in each tick. With a window of 100 ms nothing waits longer than a second (rule DE3). */
const watchesPerTick = 3;
/** Visits of one sweep at the same time. */
const parallelVisits = 200;
/** Sessions are claimed only if at least this many visits may begin, because each claim costs a call. */
const leastClaimed = parallelVisits / 4;
/** The most sweeps that share the load. The sweep of the schedule comes in addition, so that no minute has a gap. */
const mostSweeps = 4;
/** A sweep that was started because of load ends after this many ticks with little to do. */
const mostIdleTicks = 15;
/** A tick counts as idle if the sweep was busy for less than this share of it. */
const idleShare = 0.25;
/** If the liveness timeout is shorter than this, liveness is checked in each round and not only once a minute. */
const quickLivenessMillis = 60_000;

/** How many sweeps may run when one joins them, itself included. */
const mostSweepsFor: Record<SweepCause, number> = {
  // Every join while no sweep runs starts one, and the first is enough.
  arrival: 1,
  load: mostSweeps,
  schedule: Number.MAX_SAFE_INTEGER,
};

const sleep = (millis: number) => new Promise((resolve) => setTimeout(resolve, Math.max(0, millis)));

/**
 * One sweep. It visits the due sessions of its shards again and again, until nobody is present or its time is over. If a
 * tick is too short for the due sessions, it starts another sweep, which takes a share (rule PR12). While Redis is away it
 * waits, so that it can rebuild the sessions as soon as Redis is back (rule FA1).
 */
export class PresenceSweep {
  readonly #services: Services;
  readonly #run: SweepRun;
  readonly #tickMillis: number;
  readonly #shards: SweepShards;
  readonly #pool: VisitPool;
  readonly #movements: MovementWriter;
  readonly #lastSeen: LastSeenUpdates;
  readonly #spending: ServiceSpending;
  readonly #figures: SweepFigures;
  readonly #webhooks: WebhookWatch;
  readonly #recovery: OutageRecovery;
  readonly #end = Promise.withResolvers<void>();
  #wasAway = false;
  #isFirst = true;
  #idleTicks = 0;
  /** By how many milliseconds the latest visit of this tick is late. */
  #lag = 0;

  constructor(services: Services, run: SweepRun) {
    this.#services = services;
    this.#run = run;
    this.#tickMillis = tickMillisOf(services.timings);
    const visiting = {
      visit: (sessionId: string) => withLogContext({ sessionId }, () => this.#visit(sessionId)),
      release: (sessionId: string, shard: number, next: number | undefined) => this.#release(sessionId, shard, next),
      retryAt: () => services.clock() + retryMillis,
    };
    this.#pool = new VisitPool(services.log, visiting, parallelVisits);
    this.#movements = new MovementWriter(services);
    this.#lastSeen = new LastSeenUpdates(services);
    this.#figures = new SweepFigures(services);
    this.#webhooks = new WebhookWatch(services);
    this.#recovery = new OutageRecovery(services);
    this.#spending = new ServiceSpending(services, (...metered) => this.#figures.metered(...metered));
    const { maxDollarsPerHour } = services.timings;
    this.#shards = new SweepShards(services.shardLeases, run.id, mostSweepsFor[run.cause], {
      report: () => ({ spent: this.#spending.take(), maxDollarsPerHour }),
      learn: (rate) => this.#spending.learn(rate),
    });
  }

  /**
   * Joins the roster. False if this sweep is not needed. While Redis is away this cannot be known, so the sweep continues.
   */
  async join(): Promise<boolean> {
    try {
      return await this.#shards.join(this.#services.clock());
    } catch (error) {
      if (isAway(error, 'redis')) return true;
      throw error;
    }
  }

  /** Sweeps until nobody is present, other sweeps suffice, or the time is over. */
  async run(): Promise<void> {
    const watching = this.#watch();
    try {
      while (this.#run.remaining() > this.#tickMillis) {
        const started = this.#services.clock();
        if (!(await this.#tick(started)) || this.#run.remaining() <= this.#tickMillis) break;
        await sleep(started + this.#tickMillis - this.#services.clock());
      }
      if (this.#needsSuccessor()) await startSweep(this.#services, this.#run.functionName, { cause: 'load' });
    } finally {
      this.#end.resolve();
      await Promise.all([watching, this.#pool.idle()]);
      await this.#lastSeen.written();
      await this.#figures.end();
      await this.#shards.leave();
    }
  }

  /** False if the sweep has to end. */
  async #tick(started: number): Promise<boolean> {
    try {
      const joined = await this.#shards.join(started);
      const isBack = this.#wasAway || (joined && this.#isFirst && (await nobodySwept(this.#services, started)));
      // Not needed, because enough sweeps run.
      if (!joined && !isBack && !this.#recovery.isPending) return false;
      await this.#recovery.run(started, isBack);
      [this.#wasAway, this.#isFirst] = [false, false];
      this.#services.metrics.note('redisAway', 0);
      return !joined || (await this.#round(started));
    } catch (error) {
      if (!isAway(error)) throw error;
      if (error.dependency !== 'redis') {
        this.#services.log.warn('A round of the sweep failed; the next one tries again', error);
        return true;
      }
      if (!this.#wasAway) this.#services.log.warn('Redis is away; the sweep waits for it', error.cause as Error);
      this.#wasAway = true;
      this.#services.metrics.note('redisAway', 100);
      for (const shard of this.#shards.held) this.#shards.doubt(shard);
      return true;
    }
  }

  /** Visits due sessions. False if this sweep is not needed any more. */
  async #round(started: number): Promise<boolean> {
    await this.#shards.renew(started, (shard) => this.#pool.isBusy(shard));
    const isLeader = this.#shards.held.includes(0);
    if (isLeader) await relearnIndex(this.#services, started);
    this.#lag = 0;
    const isBehind = await this.#visitDue(started + this.#tickMillis);
    this.#services.metrics.note('sweepLag', this.#lag);
    this.#figures.late(this.#lag);
    this.#lastSeen.write();
    this.#figures.tick(started, isLeader ? this.#view() : undefined);
    if (isLeader) this.#webhooks.tick(started);
    if (this.#recovery.isComplete) await this.#services.deadlines.noteRound(started);
    if (isBehind) await this.#callAnother();
    if (this.#services.timings.livenessTimeoutMillis < quickLivenessMillis) {
      if (isLeader) await checkLiveness(this.#services);
    } else if (!(await this.#anybodyPresent())) return false;
    return this.#isNeeded(this.#services.clock() - started);
  }

  /** Visits until nothing is due in this sweep's shards. True if the time was too short. */
  async #visitDue(until: number): Promise<boolean> {
    const { held } = this.#shards;
    while (held.length > 0 && this.#services.clock() < until) {
      const share = Math.floor(this.#pool.room / held.length);
      if (this.#pool.room < leastClaimed) {
        await Promise.race([this.#pool.ended(), sleep(until - this.#services.clock())]);
        continue;
      }
      const claims = await Promise.all(held.map((shard) => this.#claim(shard, share)));
      if (claims.every((claimed) => claimed < share)) return false;
    }
    return held.length > 0;
  }

  async #claim(shard: number, limit: number): Promise<number> {
    const { deadlines, clock } = this.#services;
    const late = (millis: number) => {
      this.#lag = Math.max(this.#lag, millis);
    };
    const claimed = await deadlines.claim(shard, this.#shards.holder, clock(), limit, late);
    for (const sessionId of claimed) this.#pool.add(sessionId, shard);
    return claimed.length;
  }

  async #visit(sessionId: string): Promise<number | undefined> {
    const visiting = [this.#services.clock(), this.#movements, this.#spending.restraint] as const;
    const visit = await visitSession(this.#services, sessionId, ...visiting).catch((error) => {
      this.#figures.failed();
      throw error;
    });
    this.#figures.visited(sessionId, visit);
    this.#lastSeen.add(visit.lastSeenUpdates);
    await this.#spending.note(sessionId, visit.spending);
    return visit.next;
  }

  #view() {
    const { dollarsPerHour, restraint } = this.#spending;
    return { sweeps: this.#shards.sweeps, dollarsPerHour, restraint };
  }

  async #release(sessionId: string, shard: number, next: number | undefined): Promise<void> {
    try {
      await this.#services.deadlines.release(sessionId, this.#shards.holder, next);
    } catch (error) {
      this.#shards.doubt(shard);
      throw error;
    }
  }

  /** Watches the windows of moving sessions in this sweep's shards, in parallel to the visits. */
  async #watch(): Promise<void> {
    for (let isRunning = true; isRunning; ) {
      const started = this.#services.clock();
      try {
        await watchWindows(this.#services, this.#shards.held, this.#services.clock, this.#spending);
      } catch (error) {
        if (!isAway(error))
          this.#services.log.error('The windows could not be watched; the sweep tries again', error as Error);
      }
      const pause = sleep(started + this.#tickMillis / watchesPerTick - this.#services.clock()).then(() => true);
      isRunning = await Promise.race([pause, this.#end.promise.then(() => false)]);
    }
  }

  async #callAnother(): Promise<void> {
    if (this.#shards.sweeps >= mostSweeps || !(await this.#services.shardLeases.mayCall())) return;
    this.#services.log.info('More is due than one tick can visit; another sweep is started', {
      sweeps: this.#shards.sweeps,
    });
    await startSweep(this.#services, this.#run.functionName, { cause: 'load' });
  }

  /** Gives the shards back if nobody is present, and checks again: a user who joined before that relied on this sweep. */
  async #anybodyPresent(): Promise<boolean> {
    if (await this.#mayHaveUsers()) return true;
    await this.#shards.leave();
    return this.#mayHaveUsers();
  }

  /** Whether users may be present. An empty index means nothing if Redis has lost its data: the next round restores it (rule FA2). */
  async #mayHaveUsers(): Promise<boolean> {
    const { deadlines } = this.#services;
    return (await deadlines.size()) > 0 || !(await deadlines.isComplete());
  }

  /** A sweep that was started because of load ends after some idle ticks. */
  #isNeeded(busyMillis: number): boolean {
    this.#idleTicks = busyMillis < idleShare * this.#tickMillis ? this.#idleTicks + 1 : 0;
    return this.#run.cause !== 'load' || this.#shards.sweeps === 1 || this.#idleTicks < mostIdleTicks;
  }

  /**
   * The schedule starts its next sweep itself. A sweep that was started because of load starts its own successor while there
   * is much to do.
   */
  #needsSuccessor(): boolean {
    return this.#run.cause === 'load' && this.#run.remaining() <= this.#tickMillis && this.#idleTicks < mostIdleTicks;
  }
}

/**
 * Whether users are present although no sweep ran for so long that Redis must have been away. This sweep is new and did not
 * see the outage, and the sweep that saw it may not have handled it yet.
 */
async function nobodySwept(services: Services, now: number): Promise<boolean> {
  const last = await services.deadlines.lastRound();
  return (
    last !== undefined && now - last > services.timings.offlineAfterMillis / 2 && (await services.deadlines.size()) > 0
  );
}
