import type { Environment } from '../../../client/environment.ts';
import type { Client, ClientOptions, Session } from '../../../client/index.ts';
import { BaseWorld, type Observer, type Universe } from '../base-world.ts';
import { joinedUsers, readCall } from '../script-answer.ts';
import { ClientGateway } from './client-gateway.ts';
import { type ClientProfile, clientProfileOf } from './client-profile.ts';
import type { Device } from './device.ts';
import { Recorder } from './recorder.ts';
import { type HandshakeAnswer, Tab } from './tab.ts';

/** Makes a client in an environment, as the package does. */
export type CreateClient = (environment: Environment, options: ClientOptions) => Client;

export interface ClientUniverse extends Universe {
  createClient: CreateClient;
}

const sweepTickMillis = 1000;
/** Enough for one tick of a sweep beside what it keeps back from its time limit. */
const oneTickMillis = 4400;
/** A sweep tells a leave within a second, and the frame takes a moment. */
const goneMillis = 2500;

/** One seed: the real client in browsers that are disturbed, on the real use cases. */
export class ClientWorld extends BaseWorld {
  declare readonly profile: ClientProfile;
  readonly gateway: ClientGateway;
  readonly recorder: Recorder;
  readonly createClient: CreateClient;
  readonly tabs: Tab[] = [];
  readonly ledger: Observer;
  /** Until when Redis is away, or has lost its data so recently that sessions are being rebuilt. */
  troubledUntil = 0;
  /** Until when a fault keeps each tab busy, by its name. */
  readonly busyUntil = new Map<string, number>();
  /** Who was ever invisible. */
  readonly invisible = new Set<string>();
  /** The activities that were to be stored. */
  readonly activities: { number: number; tab: Tab; client: Client; room: Session }[] = [];
  #isSweeping = false;
  #ids = 0;

  constructor(seed: number, universe: ClientUniverse, options: { told: boolean }) {
    super(seed, universe, clientProfileOf(seed), options.told);
    this.createClient = universe.createClient;
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

  /** Sweeps are started by `startSweeps`, at the latest a second later. */
  override startSweep(): void {}

  /**
   * Each second a sweep looks for what is due. Where nothing is, it is not run: that makes worlds of minutes affordable.
   * What sweeps do to each other belongs to the simulation of the server.
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

  /** Whether nothing but the tabs' own troubles delays a frame, so that times can be demanded. */
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

  /** Somebody is said to have left: that is a false leave if the others must still see a tab of theirs. */
  leaveTold(sessionId: string, userId: string, cause: string): void {
    const present = this.tabsOf(userId).find((tab) => tab.mustBeSeen(sessionId));
    if (present)
      this.violate(`[false leave] ${this.short(userId)} left ${sessionId} (${cause}), but ${present.name} is there`);
  }

  /** Who joined is seen by everybody who can hear it (row 18). */
  checkSeen(sessionId: string, { userId, name }: Tab, since: number): void {
    if (!this.isPunctual) return;
    for (const tab of this.tabs) {
      const room = tab.rooms.get(sessionId);
      const isWatching = room?.session.state === 'joined' && tab.isUp && !tab.disturbances.changedSince(since);
      if (!isWatching || room.session.users.some((user) => user.userId === userId)) continue;
      this.violate(`[row 18] ${tab.name} does not show ${name} a second after its join`);
    }
  }

  /** Whose last tab was closed is gone for the others after the short grace (row 20). */
  checkGone(closed: Tab, sessionIds: readonly string[]): void {
    const at = this.clock.now;
    this.clock.after(this.timings.cleanCloseGraceMillis + goneMillis, () => {
      if (!this.isPunctual || this.profile.disconnectLost > 0 || closed.device.isCut) return;
      const back = this.tabsOf(closed.userId).some((tab) => !tab.device.isGone);
      if (back) return;
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

  /** Logs an activity that can be told from all others. */
  logActivity(tab: Tab, sessionId: string): void {
    const { session } = tab.rooms.get(sessionId)!;
    const number = this.activities.length + 1;
    this.activities.push({ number, tab, client: tab.client, room: session });
    tab.promises.add('logActivity()', session.logActivity('note', { n: number }));
  }

  #observe(script: string, given: (string | number)[], answer: unknown): boolean {
    const { sessionId, code, reply } = readCall(script, given, answer);
    // Some scripts change nothing that anybody is told.
    if (code !== 'ok' || !reply.leaves) return false;
    const joined = joinedUsers(reply);
    for (const [index, userId] of reply.leaves.entries()) {
      this.note(() => `redis ${script}: ${userId} leaves ${sessionId} (${reply.causes[index]})`);
      // Who left and is back since is told both in one diff.
      if (!joined.includes(userId)) this.leaveTold(sessionId, userId, reply.causes[index]!);
    }
    return false;
  }
}
