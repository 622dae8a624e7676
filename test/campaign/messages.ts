import type { Mutation } from './bundle.ts';

/** A session the campaign plays in. */
export interface Stage {
  sessionId: string;
  ownerId: string;
}

export interface WorkerInput {
  /** Of this worker alone. */
  seed: number;
  people: { userId: string; username: string }[];
  stages: Stage[];
  actors: number;
}

/** What was acknowledged to a client, and so has to be in the database (rule AC1). */
export type Acknowledged =
  | { what: 'created' | 'ended'; sessionId: string }
  | { what: 'logged'; sessionId: string; userId: string; key: string; activityId: string }
  | { what: 'role' | 'removed'; sessionId: string; userId: string }
  | { what: 'invited' | 'revoked'; sessionId: string; inviteId: string };

/** One invocation, and whom it is about. */
export interface Operation {
  operation: string;
  sessionId?: string | undefined;
  userId?: string | undefined;
  /** Of an activity that may be sent again. */
  activityId?: string | undefined;
  /** Whether its writes of activity fail, carried out or not. */
  cut: boolean;
}

/** What a worker tells the campaign. */
export type Report =
  | { kind: 'ready' }
  | ({ kind: 'began'; id: string } & Operation)
  | { kind: 'finished'; id: string; outcome: 'done' | 'refused' | 'killed' | 'failed'; error?: string }
  /** What an invocation that lived to its end was to tell to whom, and did not even try to. */
  | { kind: 'untold'; what: string[] }
  /** A round of all sweeps is over; what waited for the database, and was replayed. */
  | { kind: 'swept'; replayed: number }
  | { kind: 'acknowledged'; fact: Acknowledged }
  | { kind: 'stage'; stage: Stage }
  | { kind: 'hungUp'; connectionId: string }
  | { kind: 'quiet' };

/** What the campaign tells a worker. */
export type Order = { kind: 'stage'; stage: Stage } | { kind: 'calm' } | { kind: 'sweep' };

export interface CampaignOptions {
  seed: number;
  operations: number;
  mutations?: readonly Mutation[];
  /** After the storm: within this time everything has to come to rest. */
  restMillis?: number;
}
