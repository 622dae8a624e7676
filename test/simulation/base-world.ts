import type { Redis } from 'ioredis';
import { Broadcaster } from '../../lambdas/delivery/broadcaster.ts';
import type { Gateway } from '../../lambdas/delivery/gateway.ts';
import { Deadlines } from '../../lambdas/presence/deadlines.ts';
import { MovingSessions } from '../../lambdas/presence/moving-sessions.ts';
import { PresenceManager } from '../../lambdas/presence/presence-manager.ts';
import { ShardLeases } from '../../lambdas/presence/shard-leases.ts';
import type { Services } from '../../lambdas/services/services.ts';
import type { Timings } from '../../protocol/timings.ts';
import { SeededRandom } from '../harness/seeded-random.ts';
import { currentPlace } from './context.ts';
import { Environments, type Handler, type Invocation } from './environments.ts';
import { callMillis, type Profile } from './profile.ts';
import type { StoredRoom } from './room-model.ts';
import type { ScriptBook, TextChange } from './script-book.ts';
import { SimulatedBackend } from './simulated-backend.ts';
import { SimulatedRedis } from './simulated-redis.ts';
import { VirtualClock } from './virtual-clock.ts';
import { servicesOf } from './world-services.ts';

/** The parts that all worlds of a test share. A world is the simulation of one seed. */
export interface SimulationSetup {
  redis: Redis;
  book: ScriptBook;
  /** Gives the functions of the product the services of a world. */
  handlersOf: (services: Services) => Record<string, Handler>;
  timings: Timings;
  /** Deliberate mistakes in the scripts. */
  changes: readonly TextChange[];
  /** Whether users also send several frames at once, without waiting for the answers. */
  bursts?: boolean;
  /** The prefix of the Redis keys, different for each setup. */
  name: string;
}

/** Observes the replies of Redis. */
export interface Observer {
  /** @returns true if a new epoch of the session began; then `learn` is called with the new state. */
  observe(script: string, given: (string | number)[], answer: unknown): boolean;
  learn(sessionId: string, stored: StoredRoom): void;
  /** Called before a session is restored, with the connections that have a seat. */
  beforeRestore(sessionId: string, seats: readonly string[]): void;
  /** Called when Redis lost keys of a session. */
  lost(sessionId: string): void;
}

/** A fixed start makes a run repeatable. */
const beginning = Date.UTC(2030, 0, 1);
const uuid = (kind: number, index: number) => `00000000-0000-4000-800${kind}-${String(index).padStart(12, '0')}`;

/** The servers of one seed, with a virtual clock. Subclasses define the clients and the checks. */
export abstract class BaseWorld {
  readonly seed: number;
  readonly random: SeededRandom;
  readonly profile: Profile;
  readonly timings: Timings;
  readonly changes: readonly TextChange[];
  readonly clock = new VirtualClock(beginning);
  readonly redis: SimulatedRedis;
  readonly backend: SimulatedBackend;
  readonly environments: Environments;
  readonly presence: PresenceManager;
  readonly deadlines: Deadlines;
  readonly movingSessions: MovingSessions;
  readonly shardLeases: ShardLeases;
  readonly broadcaster: Broadcaster;
  readonly sessionIds: string[];
  readonly userIds: string[];
  /** Whether users act and faults happen; false in the quiet period at the end. */
  faulty = true;
  /** The number of frames that did not arrive, and of invocations that did not finish. */
  losses = 0;
  readonly kills: { at: number; name: string }[] = [];
  readonly violations: string[] = [];
  readonly #trace: string[] = [];
  readonly #told: boolean;

  abstract readonly gateway: Gateway;
  abstract readonly ledger: Observer;

  constructor(seed: number, setup: SimulationSetup, profile: Profile, told: boolean) {
    this.seed = seed;
    this.random = SeededRandom.mixed(seed);
    this.profile = profile;
    this.timings = setup.timings;
    this.#told = told;
    const { mergedAbove, windowMillis } = profile;
    const merging = { find: 'local mergedAbove = 50', replace: `local mergedAbove = ${mergedAbove}` };
    this.changes = [...setup.changes, merging];
    this.redis = new SimulatedRedis(this, setup.redis, setup.book, `${setup.name}:${seed}:`);
    this.clock.check = () => {
      // Otherwise the real time that the server needs decides what happens next, and the seed does not repeat.
      if (this.redis.isBusy) throw new Error('A call to Redis runs although the clock does not wait for it.');
    };
    this.backend = new SimulatedBackend(this);
    const asRedis = this.redis as unknown as Redis;
    this.presence = new PresenceManager(asRedis, {
      timings: { ...this.timings, batchMillis: windowMillis },
      log: { debug() {}, error() {} },
    });
    this.deadlines = new Deadlines(asRedis);
    this.movingSessions = new MovingSessions(asRedis);
    this.shardLeases = new ShardLeases(asRedis);
    // The subclass creates its gateway before the first post.
    const gateway: Gateway = { post: (connectionId, frame) => this.gateway.post(connectionId, frame) };
    this.broadcaster = new Broadcaster(gateway, { random: () => this.random.next() });
    this.environments = new Environments(this, setup.handlersOf(servicesOf(this)));
    this.sessionIds = Array.from({ length: this.random.int(1, 2) }, (_, index) => uuid(1, index + 1));
    this.userIds = Array.from({ length: this.random.int(2, 4) }, (_, index) => uuid(2, index + 1));
  }

  /** Simulates a call of the running invocation to a service. It takes time, and the invocation may be killed before or after it. */
  call<T>(label: string, action: () => T | Promise<T>): Promise<T> {
    const { invocation } = currentPlace();
    return new Promise<T>((resolve, reject) => {
      this.clock.after(callMillis(this.random, this.profile), async () => {
        if (invocation.dies(`before ${label}`)) return;
        const settle = await Promise.resolve()
          .then(action)
          .then(
            (value) => () => resolve(value),
            (error: Error) => () => reject(error),
          );
        if (!invocation.dies(`after ${label}`)) settle();
      });
    });
  }

  /** Starts a sweep at once, as after the first join of a quiet period. */
  startSweep(): void {
    this.note('a sweep is started at once');
    this.environments.invoke('timeout-sweep', {});
  }

  killed({ name }: Invocation): void {
    this.losses += 1;
    this.kills.push({ at: this.clock.now, name });
  }

  /** Whether calls may fail for reasons outside the product. */
  get troubled(): boolean {
    return this.profile.outages > 0;
  }

  /** Whether Redis now evicts the updates that wait for a window. */
  evictsWaiting(): boolean {
    return this.faulty && this.profile.evictions > 0 && this.random.chance(0.15);
  }

  /** `U1` for the first user. */
  short(userId: string): string {
    return `U${Number(userId.slice(-12))}`;
  }

  /** Adds a line to the trace, if this run has one. */
  note(text: string | (() => string)): void {
    if (!this.#told) return;
    this.#trace.push(`${String(this.clock.now - beginning).padStart(6)} ${typeof text === 'string' ? text : text()}`);
  }

  violate(text: string): void {
    this.violations.push(text);
    this.note(`VIOLATION ${text}`);
  }

  /** The trace of the run, with short ids. */
  get trace(): string {
    const text = this.#trace.join('\n');
    return text.replaceAll(
      /00000000-0000-4000-800(\d)-0{11}(\d)/g,
      (_, kind, index) => `${kind === '1' ? 'S' : 'U'}${index}`,
    );
  }
}
