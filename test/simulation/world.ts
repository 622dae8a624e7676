import type { Redis } from 'ioredis';
import { Broadcaster } from '../../lambdas/delivery/broadcaster.ts';
import { Deadlines } from '../../lambdas/presence/deadlines.ts';
import { MovingSessions } from '../../lambdas/presence/moving-sessions.ts';
import { PresenceManager } from '../../lambdas/presence/presence-manager.ts';
import { ShardLeases } from '../../lambdas/presence/shard-leases.ts';
import type { Services } from '../../lambdas/services/services.ts';
import type { Timings } from '../../protocol/timings.ts';
import { OwnStateFrames } from '../harness/actions.ts';
import { Told } from '../harness/checks/told.ts';
import { SeededRandom } from '../harness/seeded-random.ts';
import { currentPlace } from './context.ts';
import { Environments, type Handler, type Invocation } from './environments.ts';
import { Ledger } from './ledger.ts';
import { callMillis, type Profile, profileOf } from './profile.ts';
import type { ScriptBook, TextChange } from './script-book.ts';
import { SimulatedBackend } from './simulated-backend.ts';
import { SimulatedClient } from './simulated-client.ts';
import { SimulatedGateway } from './simulated-gateway.ts';
import { SimulatedRedis } from './simulated-redis.ts';
import { VirtualClock } from './virtual-clock.ts';
import { servicesOf } from './world-services.ts';

/** What all worlds of a test share. */
export interface Universe {
  redis: Redis;
  book: ScriptBook;
  /** The functions of the product, with the services of a world. */
  handlersOf: (services: Services) => Record<string, Handler>;
  timings: Timings;
  /** Deliberate mistakes in the scripts. */
  changes: readonly TextChange[];
  /** Whether people also send several frames at once, without waiting for their answers. */
  bursts?: boolean;
  /** Keeps the worlds' keys apart. */
  name: string;
}

/** Any moment would do; a fixed one lets a run be repeated. */
const beginning = Date.UTC(2030, 0, 1);
const uuid = (kind: number, index: number) => `00000000-0000-4000-800${kind}-${String(index).padStart(12, '0')}`;

/** One seed: people, servers and their troubles, on a clock of its own. */
export class World {
  readonly seed: number;
  readonly random: SeededRandom;
  readonly frames = new OwnStateFrames();
  readonly profile: Profile;
  readonly timings: Timings;
  readonly changes: readonly TextChange[];
  readonly bursts: boolean;
  readonly clock = new VirtualClock(beginning);
  readonly redis: SimulatedRedis;
  readonly gateway: SimulatedGateway;
  readonly backend: SimulatedBackend;
  readonly environments: Environments;
  readonly ledger: Ledger;
  readonly presence: PresenceManager;
  readonly deadlines: Deadlines;
  readonly movingSessions: MovingSessions;
  readonly shardLeases: ShardLeases;
  readonly broadcaster: Broadcaster;
  readonly sessionIds: string[];
  readonly userIds: string[];
  readonly clients: SimulatedClient[] = [];
  /** Whether people act and things fail; false in the quiet time at the end. */
  faulty = true;
  /** Frames that did not arrive, and invocations that could not finish. */
  losses = 0;
  /** When a session was last restored from the connection table. */
  restoredAt = 0;
  readonly kills: { at: number; name: string }[] = [];
  /** When each user was last in each session, as far as their tabs know: `<session>:<user>`. */
  readonly lastThere = new Map<string, number>();
  /** What was posted to each connection. */
  readonly told = new Told();
  readonly violations: string[] = [];
  readonly #trace: string[] = [];
  readonly #activeMillis: number;
  readonly #told: boolean;

  constructor(seed: number, universe: Universe, options: { activeMillis: number; told: boolean }) {
    this.seed = seed;
    this.random = SeededRandom.mixed(seed);
    this.profile = profileOf(seed);
    this.timings = universe.timings;
    this.bursts = universe.bursts ?? false;
    this.#activeMillis = options.activeMillis;
    this.#told = options.told;
    const { mergedAbove, windowMillis } = this.profile;
    const merging = { find: 'local mergedAbove = 50', replace: `local mergedAbove = ${mergedAbove}` };
    this.changes = [...universe.changes, merging];
    this.redis = new SimulatedRedis(this, universe.redis, universe.book, `${universe.name}:${seed}:`);
    this.gateway = new SimulatedGateway(this);
    this.backend = new SimulatedBackend(this);
    this.ledger = new Ledger(this);
    const asRedis = this.redis as unknown as Redis;
    this.presence = new PresenceManager(asRedis, {
      timings: { ...this.timings, batchMillis: windowMillis },
      log: { debug() {}, error() {} },
    });
    this.deadlines = new Deadlines(asRedis);
    this.movingSessions = new MovingSessions(asRedis);
    this.shardLeases = new ShardLeases(asRedis);
    this.broadcaster = new Broadcaster(this.gateway, { random: () => this.random.next() });
    this.environments = new Environments(this, universe.handlersOf(servicesOf(this)));
    this.sessionIds = Array.from({ length: this.random.int(1, 2) }, (_, index) => uuid(1, index + 1));
    this.userIds = Array.from({ length: this.random.int(2, 4) }, (_, index) => uuid(2, index + 1));
    for (const userId of this.userIds) {
      const tabs = this.random.chance(0.5) ? 1 : 2;
      for (let tab = 1; tab <= tabs; tab += 1) {
        this.clients.push(new SimulatedClient(this, userId, `${this.short(userId)}${'ab'[tab - 1]}`));
      }
    }
  }

  /** A call of the running invocation to something outside it: takes time, and may be its last. */
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

  killed({ name }: Invocation): void {
    this.losses += 1;
    this.kills.push({ at: this.clock.now, name });
  }

  /** Whether calls may fail for reasons that lie outside the product. */
  get troubled(): boolean {
    return this.profile.outages > 0;
  }

  /** Whether everything told arrives: then nothing may be missing anywhere, at any moment. */
  get lossless(): boolean {
    const { kills, refusals, evictions, emptied, outages } = this.profile;
    return kills + refusals + evictions + emptied + outages === 0;
  }

  /** Whether every post arrives. */
  get delivering(): boolean {
    return this.profile.kills + this.profile.refusals + this.profile.outages === 0;
  }

  /** Whether Redis evicts what waits at this moment, where it evicts at all. */
  evictsWaiting(): boolean {
    return this.faulty && this.profile.evictions > 0 && this.random.chance(0.15);
  }

  /** Remembers that the user of a tab is where it has them now. */
  noteThere(client: SimulatedClient): void {
    if (!client.open) return;
    for (const [sessionId, room] of client.rooms) {
      if (room.wanted) this.lastThere.set(`${sessionId}:${client.userId}`, this.clock.now);
    }
  }

  atSomeMoment(work: () => void | Promise<void>): void {
    this.clock.after(this.random.int(5000, this.#activeMillis), work);
  }

  /** Whether a tab uses this connection, and means to be in the session. */
  isAlive(userId: string, sessionId: string, connectionId: string): boolean {
    return this.clients.some((client) => {
      const room = client.rooms.get(sessionId);
      const sits = client.open && client.connectionId === connectionId && room?.joined && room.wanted;
      return client.userId === userId && sits;
    });
  }

  /** A living connection of a user that was told at a moment before that it has joined, be it while Redis was away. */
  admittedConnection(userId: string, sessionId: string, before: number): string | undefined {
    const admitted = this.clients.find((client) => {
      const room = client.rooms.get(sessionId);
      return client.userId === userId && client.open && room?.joined && room.wanted && room.joinedAt < before;
    });
    return admitted?.connectionId;
  }

  /** `U1` for the first user. */
  short(userId: string): string {
    return `U${Number(userId.slice(-12))}`;
  }

  /** Tells the story, where somebody is going to read it. */
  note(text: string | (() => string)): void {
    if (!this.#told) return;
    this.#trace.push(`${String(this.clock.now - beginning).padStart(6)} ${typeof text === 'string' ? text : text()}`);
  }

  violate(text: string): void {
    this.violations.push(text);
    this.note(`VIOLATION ${text}`);
  }

  /** What happened, with ids made short. */
  get trace(): string {
    const text = this.#trace.join('\n');
    return text.replaceAll(
      /00000000-0000-4000-800(\d)-0{11}(\d)/g,
      (_, kind, index) => `${kind === '1' ? 'S' : 'U'}${index}`,
    );
  }
}
