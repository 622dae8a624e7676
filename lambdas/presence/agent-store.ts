import type { Cluster, Redis } from 'ioredis';
import type { Cursor, PersonData, Status } from '../../protocol/entities.ts';
import type { Timings } from '../../protocol/timings.ts';
import type { ChangedData } from '../platform/kept-data.ts';
import { versionArguments } from './frame-parameters.ts';
import { type EndOutcome, type PresenceOutcome, readBatch, readKept, readOutcome } from './outcome.ts';
import { dataMembers, hasKeys, readChangedData } from './person-data.ts';
import { ScriptRunner } from './script-runner.ts';
import { renewAgentPieces } from './scripts/renew-agent.ts';
import { scriptKeyNames } from './scripts/script-table.ts';
import { commandName, textOf } from './scripts/scripts.ts';
import type { Seat } from './seat.ts';

/** What a program says of an agent. Absent fields change nothing; `null` removes. */
export interface AgentState {
  /** When the lease ends, Unix milliseconds. */
  leaseUntil: number;
  name?: string | undefined;
  onBehalfOf?: string | null | undefined;
  status?: Exclude<Status, 'offline'> | undefined;
  activity?: string | null | undefined;
  /** A change by top-level keys. */
  data?: PersonData | undefined;
  cursor?: Cursor | null | undefined;
}

/** What a renewal changed. */
export interface RenewOutcome extends PresenceOutcome {
  /** The name of the agent, and the user for whom it acts, after the renewal. */
  name: string;
  onBehalfOf: string | undefined;
  /** Since when it acts for that user, if a renewal of the stay changed it; otherwise `renewedAt`. */
  actsSince: number;
  /** When Redis stored the renewal, Unix milliseconds; later for each renewal of the agent. */
  renewedAt: number;
  changedData?: ChangedData | undefined;
}

/**
 * Agents that are present (rule SA7). It is a class of its own, because the functions that serve frames do not load it.
 */
export class AgentStore {
  readonly #timings: Timings;
  readonly #scripts: ScriptRunner;

  constructor(redis: Redis | Cluster, timings: Timings) {
    this.#timings = timings;
    this.#scripts = new ScriptRunner(redis, timings);
    const name = commandName('renewAgent');
    if (!(name in redis)) {
      redis.defineCommand(name, { numberOfKeys: scriptKeyNames.length, lua: textOf(renewAgentPieces) });
    }
  }

  /**
   * Renews the lease of an agent and changes what others see of it, in one round trip.
   *
   * @param now Unix milliseconds.
   * @returns undefined if the agent is not present, or if Redis has to be restored first.
   * @throws RollcallError TOO_LARGE if the agent would have too much data.
   */
  async renew(sessionId: string, agentId: string, state: AgentState, now: number): Promise<RenewOutcome | undefined> {
    const { leaseUntil, name = '', onBehalfOf, status = '', activity, data, cursor } = state;
    const values = {
      ...{ userId: agentId, leaseUntil: Math.round(leaseUntil), username: name, status },
      onBehalfOf: onBehalfOf === undefined ? '' : (onBehalfOf ?? 'null'),
      activity: activity === undefined ? '' : JSON.stringify(activity),
      cursor: cursor === undefined ? '' : JSON.stringify(cursor),
      dataChange: hasKeys(data) ? JSON.stringify(dataMembers(data)) : '',
    };
    const reply = await this.#scripts.run('renewAgent', sessionId, now, values);
    if (!reply) return undefined;
    const { cursors, cursorReceivers, agentName, actsFor, actsSince, renewedAt, changedData } = reply.extra;
    return {
      ...{ name: agentName, onBehalfOf: actsFor || undefined, actsSince, renewedAt },
      ...readOutcome(reply, now, this.#timings),
      batch: readBatch(reply.epoch, cursors, cursorReceivers),
      changedData: readChangedData(changedData),
    };
  }

  /**
   * Ends an agent before its lease ends. The departure names the server key that did it.
   *
   * @param seat with the number of this end in the connection table, see `Membership.version`.
   * @param now Unix milliseconds.
   * @returns undefined if Redis has to be restored first.
   */
  async end(
    { version, ...seat }: Seat & { version?: number | undefined },
    keyId: string,
    now: number,
  ): Promise<EndOutcome | undefined> {
    const values = { userId: seat.userId, cause: 'agent_ended', keyId, ...versionArguments(seat, version) };
    const reply = await this.#scripts.run('removeFromSession', seat.sessionId, now, values);
    return reply && { ...readOutcome(reply, now, this.#timings), departures: readKept(reply.extra.departures) };
  }
}
