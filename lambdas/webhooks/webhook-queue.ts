import { randomUUID } from 'node:crypto';
import { type WebhookDelivery, type WebhookState, webhookTestType } from '../../protocol/webhooks.ts';
import type { Queryable } from '../platform/database.ts';
import { applyApart, isRowFault } from '../platform/row-fault.ts';
import { SetAside, waitingForLocks } from '../platform/set-aside.ts';
import type { Attempt } from './attempt.ts';
import * as sql from './queue-sql.ts';
import type { DeliveryPlan, EndpointPlan } from './retry-plan.ts';
import type { EventSource } from './webhook-payload.ts';

const dayMillis = 86_400_000;
/** How long deliveries are kept after their end. */
const deliveredKeptMillis = 7 * dayMillis;
const deadKeptMillis = 30 * dayMillis;
const removedAtOnce = 5000;
/** An endpoint that took long waits so many times as long for its next turn, if others wait too. */
const turnsOfOthers = 8;

/** An endpoint that a sender works for. */
export interface ClaimedEndpoint {
  id: string;
  url: string;
  /** Encrypted. */
  secret: Buffer;
  previousSecret: Buffer | null;
  failingSince: number | null;
}

/** An endpoint, and the address to which its events were sent. */
export type AskedEndpoint = Pick<ClaimedEndpoint, 'id' | 'url'>;

/** A delivery that is due. Its entry is null for a test, and if the audit trail no longer has it. */
export type DueDelivery = {
  eventId: string;
  eventType: string;
  attempts: number;
  queuedAt: number;
} & (EventSource | { [Name in keyof EventSource]: null });

/** What waits. */
export interface Backlog {
  /** Whether there is an enabled endpoint. */
  hasEndpoints: boolean;
  /** Since when the oldest delivery without a lease is due, Unix milliseconds; null if there is none. */
  dueSince: number | null;
}

/** A place in a list that is ordered by time and id. */
export interface Position {
  /** Unix milliseconds. */
  at: number;
  id: string;
}

/** How much a replay queued. */
export interface Replayed {
  queued: number;
  /** After this place the next part begins; absent if there is no more. */
  next?: Position;
}

interface ReplayedRow {
  queued: number;
  at: number | null;
  id: string | null;
}

/** An attempt and what it means for its delivery. */
export interface SettledAttempt {
  attempt: Attempt;
  plan: DeliveryPlan;
}

/** One kind of deliveries that the retention removes. */
interface RemovalStep {
  selected: string;
  values: unknown[];
  /** Selects those of the given ids, with more values. */
  named: string;
  more: unknown[];
}

/** The deliveries of webhooks, in PostgreSQL. A trigger of the audit trail queues them. */
export class WebhookQueue {
  readonly #database: Queryable;

  constructor(database: Queryable) {
    this.#database = database;
  }

  /** What waits at a time (Unix milliseconds). */
  async backlog(now: number): Promise<Backlog> {
    const { rows } = await this.#database.query<Backlog>({
      name: 'webhooks-backlog',
      text: sql.readBacklog,
      values: [now],
    });
    return rows[0]!;
  }

  /**
   * Takes the endpoint whose turn it is, for the holder alone. Undefined if nothing is due. An endpoint that cannot be taken is set
   * aside, and the next one gets its turn.
   */
  async claim(holder: string, now: number, leaseMillis: number): Promise<ClaimedEndpoint | undefined> {
    const values = [now, now + leaseMillis, holder];
    const claim = async (name: string, text: string, more: unknown[] = []) =>
      (await this.#database.query<ClaimedEndpoint>({ name, text, values: [...values, ...more] })).rows;
    try {
      return (await claim('webhooks-claim', sql.claimEndpoint))[0];
    } catch (error) {
      if (!isRowFault(error)) throw error;
    }
    const { rows } = await this.#database.query<{ id: string }>(sql.listClaimable, [now]);
    for (const { id } of rows) {
      const [claimed] = await this.#aside(now).apart('webhook-endpoint', [id], () =>
        claim('webhooks-claim-named', sql.claimNamed, [id]),
      );
      if (claimed) return claimed;
    }
    return undefined;
  }

  /** The deliveries of an endpoint that have waited longest. */
  async due(endpointId: string, now: number, limit: number): Promise<DueDelivery[]> {
    const values = [endpointId, now, limit];
    const { rows } = await this.#database.query<DueDelivery>({ name: 'webhooks-due', text: sql.readDue, values });
    return rows;
  }

  /** Notes attempts and what follows from them. What an address refused that is not used any more is sent once more at once. A delivery that cannot be noted is set aside, so that it is not sent again and again. */
  async settle(endpoint: AskedEndpoint, settled: readonly SettledAttempt[], now: number): Promise<void> {
    const setAside = ({ attempt }: SettledAttempt, error: unknown) =>
      this.#aside(now).add('webhook', `${endpoint.id} ${attempt.eventId}`, error);
    await applyApart(settled, (some) => this.#settle(endpoint, some, now), setAside);
  }

  async #settle({ id, url }: AskedEndpoint, settled: readonly SettledAttempt[], now: number): Promise<[]> {
    const column = (of: (each: SettledAttempt) => unknown) => settled.map((each) => of(each) ?? null);
    await this.#database.query({
      name: 'webhooks-settle',
      text: sql.writeAttempts,
      values: [
        ...[id, now],
        column(({ attempt }) => attempt.eventId),
        column(({ plan }) => plan.state),
        column(({ plan }) => (plan.state === 'pending' ? plan.nextAttemptAt : undefined)),
        column(({ attempt }) => attempt.status),
        column(({ attempt }) => attempt.error),
        column(({ attempt }) => attempt.response),
        url,
      ],
    });
    return [];
  }

  /** Postpones deliveries that were not attempted. */
  async postpone(endpointId: string, eventIds: readonly string[], until: number, now: number): Promise<void> {
    const postpone = async (ids: readonly string[]) =>
      (await this.#database.query(sql.postpone, [endpointId, ids, until])).rows;
    const setAside = (id: string, error: unknown) => this.#aside(now).add('webhook', `${endpointId} ${id}`, error);
    await applyApart(eventIds, postpone, setAside);
  }

  /**
   * Notes how an endpoint answered and gives the lease back. If an admin changed its address meanwhile, the answers do not count. Returns
   * whether this disabled the endpoint.
   *
   * @param took how long the endpoint was served, milliseconds.
   */
  async release(endpoint: AskedEndpoint, holder: string, plan: EndpointPlan, now: number, took = 0): Promise<boolean> {
    const { hasSuccess, hasFailure, pausedUntil, disabledCause } = plan;
    const values = [endpoint.id, holder, now, hasSuccess, hasFailure, pausedUntil ?? null, disabledCause ?? null];
    const turnAt = now + turnsOfOthers * took;
    const { rows } = await this.#database.query<{ disabled: boolean }>({
      ...{ name: 'webhooks-release', text: sql.settleEndpoint, values: [...values, turnAt, endpoint.url] },
    });
    return rows[0]?.disabled ?? false;
  }

  /** Queues a test. Returns its event id, or undefined for an unknown endpoint. */
  async queueTest(endpointId: string, now: number): Promise<string | undefined> {
    const eventId = randomUUID();
    const { rowCount } = await this.#database.query(sql.queueTest, [endpointId, eventId, webhookTestType, now]);
    return rowCount === 1 ? eventId : undefined;
  }

  /** Sends one event once more. Returns how many were queued: 0 if the endpoint never had it. */
  async replayOne(endpointId: string, eventId: string, now: number): Promise<number> {
    return (await this.#database.query(sql.replayOne, [endpointId, eventId, now])).rowCount ?? 0;
  }

  /**
   * Sends dead letters of an endpoint once more, the newest first.
   *
   * @returns how many were queued, and the position after which the next part begins if there may be more.
   */
  async replayDead(
    endpointId: string,
    { limit, after }: { limit: number; after?: Position | undefined },
    now: number,
  ): Promise<Replayed> {
    const values = [endpointId, now, limit, after?.at ?? null, after?.id ?? null];
    const { rows } = await this.#database.query<ReplayedRow & { found: number }>(sql.replayDead, values);
    return replayed(rows[0]!, rows[0]!.found === limit);
  }

  /**
   * Queues the events of a period, also those that happened while the endpoint was disabled, the oldest first.
   *
   * @returns how many were queued, and the position after which the next part begins if there may be more.
   */
  async replayPeriod(
    endpointId: string,
    { from, to, limit, after }: { from: number; to: number; limit: number; after?: Position | undefined },
    now: number,
  ): Promise<Replayed> {
    const { rows } = await this.#database.query<ReplayedRow>({
      ...{ name: 'webhooks-replay', text: sql.replayPeriod },
      values: [endpointId, from, to, now, limit, after?.at ?? null, after?.id ?? null],
    });
    return replayed(rows[0]!, rows[0]!.queued === limit);
  }

  /** A page of deliveries, the newest first. */
  async deliveries(
    endpointId: string,
    { state, before, limit }: { state?: WebhookState | undefined; before?: Position | undefined; limit: number },
  ): Promise<WebhookDelivery[]> {
    const { rows } = await this.#database.query<WebhookDelivery>(sql.selectDeliveries, [
      ...[endpointId, state ?? null, before?.at ?? null, before?.id ?? null, limit],
    ]);
    return rows.map((row) => Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)) as never);
  }

  /**
   * Removes deliveries whose retention has ended, and those of deleted endpoints, in turns. @param millis the most time for it; each gets
   * at least one turn.
   */
  async removeExpired(now: number, millis = 5000): Promise<void> {
    const until = performance.now() + millis;
    const ends = [now - deliveredKeptMillis, now - deadKeptMillis];
    const expired = {
      selected: sql.expired,
      values: [...ends, removedAtOnce, now],
      named: sql.namedExpired,
      more: ends,
    };
    const orphans = { selected: sql.orphans, values: [removedAtOnce, now], named: sql.named, more: [] };
    let steps: RemovalStep[] = [expired, orphans];
    do {
      const unfinished: RemovalStep[] = [];
      for (const step of steps) if ((await this.#remove(step, now)) === removedAtOnce) unfinished.push(step);
      steps = unfinished;
    } while (steps.length > 0 && performance.now() < until);
  }

  /** Returns how many it removed. */
  async #remove({ selected, values, named, more }: RemovalStep, now: number): Promise<number> {
    const rows = async <R extends object>(text: string, given: unknown[]) =>
      (await this.#database.query<R>(text, given)).rows;
    const removed = await this.#aside(now).togetherOrApart<object>('webhook', {
      together: () => rows(sql.remove(selected), values),
      ids: async () => {
        const waiting = waitingForLocks(sql.idsOf(selected));
        return (await rows<{ id: string }>(waiting, values)).map(({ id }) => id);
      },
      apart: (ids) => rows(sql.remove(named), [ids, ...more]),
    });
    return removed.length;
  }

  #aside(now: number): SetAside {
    return new SetAside(this.#database, () => now);
  }
}

function replayed({ queued, at, id }: ReplayedRow, hasMore: boolean): Replayed {
  return !hasMore || at === null || id === null ? { queued } : { queued, next: { at, id } };
}
