import type { Environment } from '../../../client/environment.ts';
import { type Client, type ClientOptions, RollcallError, type Session } from '../../../client/index.ts';
import { BaseWorld, type Observer, type SimulationSetup } from '../base-world.ts';
import { joinedUsers, readCall } from '../script-answer.ts';
import { ClientGateway } from './client-gateway.ts';
import { type ClientProfile, clientProfileOf } from './client-profile.ts';
import type { Device } from './device.ts';
import { Recorder } from './recorder.ts';
import { type HandshakeAnswer, Tab } from './tab.ts';

/** Makes a client in an environment, as the package does. */
export type CreateClient = (environment: Environment, options: ClientOptions) => Client;

export interface ClientSetup extends SimulationSetup {
  createClient: CreateClient;
}

const sweepTickMillis = 1000;
/** The time limit of a sweep that makes one round, in milliseconds. */
const oneTickMillis = 4400;
/** How late others may learn a leave, in milliseconds: a second until the sweep, and the delivery. */
const goneMillis = 2500;

/** The world of one seed: the real client in simulated browsers with faults, on the real use cases. */
export class ClientWorld extends BaseWorld {
  declare readonly profile: ClientProfile;
  readonly gateway: ClientGateway;
  readonly recorder: Recorder;
  readonly createClient: CreateClient;
  readonly tabs: Tab[] = [];
  readonly ledger: Observer;
  /** Until when Redis is away, or sessions are rebuilt after a loss of data. */
  troubledUntil = 0;
  /** Until when each tab has a fault, by its name. */
  readonly busyUntil = new Map<string, number>();
  /** The users who were invisible at any time. */
  readonly invisible = new Set<string>();
  /** The logged activities. */
  readonly activities: { number: number; tab: Tab; client: Client; room: Session; isRefused: boolean }[] = [];
  #isSweeping = false;
  #ids = 0;

  constructor(seed: number, setup: ClientSetup, options: { told: boolean }) {
    super(seed, setup, clientProfileOf(seed), options.told);
    this.createClient = setup.createClient;
    this.gateway = new ClientGateway(this);
    this.recorder = new Recorder(this);
    this.ledger = { observe: (...call) => this.#observe(...call), learn() {}, beforeRestore() {}, lost() {} };
    for (const userId of this.userIds) {
      const tabs = this.random.chance(0.3) ? 2 : 1;
      for (let tab = 0; tab < tabs; tab += 1) {
        this.tabs.push(new Tab(this, userId, `${this.short(userId)}${'ab'[tab]}`));
      }
    }
  }

  /** Does nothing: `startSweeps` starts a sweep within a second. */
  override startSweep(): void {}

  /**
   * Runs a sweep each second if something is due; skipping the others makes long worlds affordable. Parallel sweeps are part
   * of the simulation of the server.
   */
  startSweeps(): void {
    this.clock.after(sweepTickMillis, () => {
      const { now } = this.clock;
      if (!this.#isSweeping && this.redis.needsSweep(now)) this.sweep(oneTickMillis);
      else this.redis.noteRound(now);
      this.startSweeps();
    });
  }

  /** Runs a sweep for a time. */
  sweep(millis: number): void {
    this.#isSweeping = true;
    const done = () => {
      this.#isSweeping = false;
    };
    this.environments.invoke('timeout-sweep', { source: 'aws.events' }, done, millis);
  }

  /** Whether no fault of the service delays frames, so that time limits apply. */
  get isPunctual(): boolean {
    const { lost, late, slow, tokenFails, refusals } = this.profile;
    return lost + late + slow + tokenFails + refusals === 0 && this.clock.now >= this.troubledUntil;
  }

  /** A UUID of this world. */
  nextId(): string {
    return `00000000-0000-4000-8003-${String(++this.#ids).padStart(12, '0')}`;
  }

  handshakesOf(device: Device): HandshakeAnswer {
    return this.tabs.find((tab) => tab.device === device)?.handshakes ?? 'normal';
  }

  tabsOf(userId: string): Tab[] {
    return this.tabs.filter((tab) => tab.userId === userId);
  }

  /** A leave was reported. It is false if others must still see a tab of the user. */
  leaveTold(sessionId: string, userId: string, cause: string): void {
    const present = this.tabsOf(userId).find((tab) => tab.mustBeSeen(sessionId));
    if (present)
      this.violate(`[false leave] ${this.short(userId)} left ${sessionId} (${cause}), but ${present.name} is there`);
  }

  /** Checks that each tab that receives frames shows the user who joined (row 18). */
  checkSeen(sessionId: string, { userId, name }: Tab, since: number): void {
    if (!this.isPunctual) return;
    for (const tab of this.tabs) {
      const room = tab.rooms.get(sessionId);
      const isWatching = room?.session.state === 'joined' && tab.isUp && !tab.disturbances.changedSince(since);
      if (!isWatching || room.session.users.some((user) => user.userId === userId)) continue;
      this.violate(`[row 18] ${tab.name} does not show ${name} a second after its join`);
    }
  }

  /** Checks that a user whose last tab was closed is not shown after the short grace (row 20). */
  checkGone(closed: Tab, sessionIds: readonly string[]): void {
    const at = this.clock.now;
    this.clock.after(this.timings.cleanCloseGraceMillis + goneMillis, () => {
      if (!this.isPunctual || this.profile.disconnectLost > 0 || closed.device.isCut) return;
      // Another tab of the user is open, or was closed later and is checked then.
      if (this.tabsOf(closed.userId).some((tab) => !tab.device.isGone || tab.partedAt > at)) return;
      for (const tab of this.tabs) {
        if (!tab.isUp || tab.disturbances.changedSince(at)) continue;
        for (const sessionId of sessionIds) {
          const users = tab.rooms.get(sessionId)?.session.users ?? [];
          if (users.some(({ userId }) => userId === closed.userId))
            tab.violate(`[row 20] ${closed.name} was closed and is still shown`);
        }
      }
    });
  }

  /** Logs an activity with a unique number. */
  logActivity(tab: Tab, sessionId: string): void {
    const { session } = tab.rooms.get(sessionId)!;
    const number = this.activities.length + 1;
    const activity = { number, tab, client: tab.client, room: session, isRefused: false };
    this.activities.push(activity);
    const note = (error: unknown) => {
      activity.isRefused ||= error instanceof RollcallError && !error.retryable;
    };
    tab.promises.add('logActivity()', session.logActivity('note', { n: number }), note);
    // The event reports an activity that is refused after its promise has settled.
    session.on('error', note);
  }

  #observe(script: string, given: (string | number)[], answer: unknown): boolean {
    const { sessionId, code, reply } = readCall(script, given, answer);
    // Some scripts have no leaves in their reply.
    if (code !== 'ok' || !reply.leaves) return false;
    const joined = joinedUsers(reply);
    for (const [index, userId] of reply.leaves.entries()) {
      this.note(() => `redis ${script}: ${userId} leaves ${sessionId} (${reply.causes[index]})`);
      // A user who left and returned may be in one diff with both.
      if (!joined.includes(userId)) this.leaveTold(sessionId, userId, reply.causes[index]!);
    }
    return false;
  }
}
