import { OwnStateFrames } from '../harness/actions.ts';
import { Told } from '../harness/checks/told.ts';
import { BaseWorld, type SimulationSetup } from './base-world.ts';
import { Ledger } from './ledger.ts';
import { profileOf } from './profile.ts';
import { SimulatedClient } from './simulated-client.ts';
import { SimulatedGateway } from './simulated-gateway.ts';

export type { SimulationSetup };

/** The world of one seed: users, servers and faults, on a virtual clock. */
export class World extends BaseWorld {
  readonly bursts: boolean;
  readonly gateway: SimulatedGateway;
  readonly ledger: Ledger;
  readonly frames = new OwnStateFrames();
  readonly clients: SimulatedClient[] = [];
  /** When a session was last restored from the connection table. */
  restoredAt = 0;
  /** The last time at which a tab of a user was in a session, by `<session>:<user>`. */
  readonly lastThere = new Map<string, number>();
  /** The frames that were posted to each connection. */
  readonly told = new Told();
  readonly #activeMillis: number;

  constructor(seed: number, setup: SimulationSetup, options: { activeMillis: number; told: boolean }) {
    super(seed, setup, profileOf(seed), options.told);
    this.bursts = setup.bursts ?? false;
    this.#activeMillis = options.activeMillis;
    this.gateway = new SimulatedGateway(this);
    this.ledger = new Ledger(this);
    for (const userId of this.userIds) {
      const tabs = this.random.chance(0.5) ? 1 : 2;
      for (let tab = 1; tab <= tabs; tab += 1) {
        this.clients.push(new SimulatedClient(this, userId, `${this.short(userId)}${'ab'[tab - 1]}`));
      }
    }
  }

  /** Whether each frame arrives; then no view may miss a change at any time. */
  get lossless(): boolean {
    const { kills, refusals, evictions, emptied, outages } = this.profile;
    return kills + refusals + evictions + emptied + outages === 0;
  }

  /** Whether every post arrives. */
  get delivering(): boolean {
    return this.profile.kills + this.profile.refusals + this.profile.outages === 0;
  }

  /** Records that the user of a tab is in the sessions of the tab now. */
  noteThere(client: SimulatedClient): void {
    if (!client.open) return;
    for (const [sessionId, room] of client.rooms) {
      if (room.wanted) this.lastThere.set(`${sessionId}:${client.userId}`, this.clock.now);
    }
  }

  atSomeMoment(work: () => void | Promise<void>): void {
    this.clock.after(this.random.int(5000, this.#activeMillis), work);
  }

  /** Whether a tab uses this connection and wants to be in the session. */
  isAlive(userId: string, sessionId: string, connectionId: string): boolean {
    return this.clients.some((client) => {
      const room = client.rooms.get(sessionId);
      const sits = client.open && client.connectionId === connectionId && room?.joined && room.wanted;
      return client.userId === userId && sits;
    });
  }

  /** A live connection of a user that had the answer to its join before a time, also if Redis was away. */
  admittedConnection(userId: string, sessionId: string, before: number): string | undefined {
    const admitted = this.clients.find((client) => {
      const room = client.rooms.get(sessionId);
      return client.userId === userId && client.open && room?.joined && room.wanted && room.joinedAt < before;
    });
    return admitted?.connectionId;
  }
}
