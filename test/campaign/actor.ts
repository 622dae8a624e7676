import { randomUUID } from 'node:crypto';
import type { Caller } from '../../lambdas/flows/callers/caller.ts';
import { OwnStateFrames } from '../harness/actions.ts';
import type { SeededRandom } from '../harness/seeded-random.ts';
import type { Acknowledged, Report, Stage, WorkerInput } from './messages.ts';

/** A socket of a user, with the sessions that it joined. */
export interface Connection {
  caller: Caller;
  joined: Set<string>;
}

/** How many of the newest sessions are used; older ones are left to expire. */
const playedAtOnce = 10;

/** The shared state of all simulated users of a worker: the users, their sessions and the acknowledged operations. */
export class Actors {
  readonly people: WorkerInput['people'];
  readonly stages: Stage[];
  readonly connections: Connection[] = [];
  readonly invites: { sessionId: string; ownerId: string; inviteId: string; invite: string }[] = [];
  /** The people about whom an owner decides, or has decided. */
  readonly decided: { sessionId: string; userId: string }[] = [];
  readonly logged: { connection: Connection; sessionId: string; key: string; activityId: string }[] = [];
  readonly frames = new OwnStateFrames();
  readonly report: (report: Report) => void;

  constructor(input: WorkerInput, report: (report: Report) => void) {
    this.people = input.people;
    this.stages = [...input.stages];
    this.report = report;
  }

  acknowledge(fact: Acknowledged): void {
    this.report({ kind: 'acknowledged', fact });
  }

  /** A random one of the newest sessions. */
  stage(random: SeededRandom): Stage {
    return random.one(this.stages.slice(-playedAtOnce));
  }

  /** A new socket of a random user, or of the given one. */
  connect(random: SeededRandom, userId?: string): Connection {
    const person = this.people.find((one) => one.userId === userId) ?? random.one(this.people);
    const caller: Caller = { ...nobody, ...person, connectionId: randomUUID() };
    const connection = { caller, joined: new Set<string>() };
    this.connections.push(connection);
    return connection;
  }

  connectGuest(sessionId: string, invite: string): Connection {
    const guest = { sessionId, invite };
    const caller = { ...nobody, userId: randomUUID(), username: 'Guest', connectionId: randomUUID(), guest };
    const connection = { caller, joined: new Set<string>() };
    this.connections.push(connection);
    return connection;
  }

  forget(connection: Connection): void {
    const place = this.connections.indexOf(connection);
    if (place >= 0) this.connections.splice(place, 1);
    this.report({ kind: 'hungUp', connectionId: connection.caller.connectionId });
  }
}

const nobody = { scopes: [], ipAddress: '203.0.113.7', userAgent: 'campaign' };
