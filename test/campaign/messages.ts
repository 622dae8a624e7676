import type { Role } from '../../protocol/entities.ts';
import type { Mutation } from './bundle.ts';

/** A session of the campaign. */
export interface Stage {
  sessionId: string;
  ownerId: string;
}

export interface WorkerInput {
  /** Known only to this worker. */
  seed: number;
  people: { userId: string; username: string }[];
  stages: Stage[];
  actors: number;
}

/** A decision about a person, which was made between `since` and `until`, Unix milliseconds. */
interface Decided {
  sessionId: string;
  userId: string;
  since: number;
  until: number;
}

/** An acknowledged operation, which must therefore be in the database (rule AC1). */
export type Acknowledged =
  | { what: 'created' | 'ended'; sessionId: string }
  | { what: 'logged'; sessionId: string; userId: string; key: string; activityId: string }
  | ({ what: 'role'; role: Role } & Decided)
  | ({ what: 'removed' } & Decided)
  | { what: 'invited' | 'revoked'; sessionId: string; inviteId: string };

/** One invocation, and the user of it. */
export interface Operation {
  operation: string;
  sessionId?: string | undefined;
  userId?: string | undefined;
  /** The id of an activity that may be sent again. */
  activityId?: string | undefined;
  /** Whether its writes of activity fail, executed or not. */
  cut: boolean;
}

/** A message of a worker to the campaign. */
export type Report =
  | { kind: 'ready' }
  | ({ kind: 'began'; id: string } & Operation)
  | { kind: 'finished'; id: string; outcome: 'done' | 'refused' | 'killed' | 'failed'; error?: string }
  /** The diffs that a completed invocation did not try to send, with their receivers. */
  | { kind: 'untold'; what: string[] }
  /** A round of all sweeps is complete; with the number of replayed entries. */
  | { kind: 'swept'; replayed: number }
  | { kind: 'acknowledged'; fact: Acknowledged }
  | { kind: 'stage'; stage: Stage }
  | { kind: 'hungUp'; connectionId: string }
  | { kind: 'quiet' }
  /** What was under way is complete, and nothing else begins. */
  | { kind: 'halted' };

/** A message of the campaign to a worker. `halt` is answered; `resume` ends it. */
export type Order = { kind: 'stage'; stage: Stage } | { kind: 'idle' | 'sweep' | 'halt' | 'resume' };

export interface CampaignOptions {
  seed: number;
  operations: number;
  mutations?: readonly Mutation[];
  /** After the concurrent operations: the time within which no work may be left. */
  restMillis?: number;
}
