import type { Mutation } from './bundle.ts';

/** The product with a fault in it, and how the campaign must find it. */
export interface Variant {
  name: string;
  mutations: Mutation[];
  fault: RegExp;
  operations: number;
  restMillis: number;
}

const join = 'migrations/0005-join-session.sql';
const quick = { operations: 700, restMillis: 2500 };
/** Long enough for the sweeps to have given back every place. */
const thorough = { operations: 900, restMillis: 9000 };

export const variants: Variant[] = [
  {
    name: 'places are counted without the lock on the session',
    mutations: [
      { file: join, from: 'WHERE s.id = session_uuid FOR NO KEY UPDATE', to: 'WHERE s.id = session_uuid' },
      // Between the count and the place, where others may count the same.
      {
        file: join,
        from: 'IF person_user IS NOT NULL THEN',
        to: 'PERFORM pg_sleep(0.03); IF person_user IS NOT NULL THEN',
      },
    ],
    fault: /people in the \d+ places/,
    ...quick,
  },
  {
    name: 'an owner who rejoins is a viewer',
    mutations: [{ file: join, from: "WHEN is_owner THEN 'operator' WHEN", to: "WHEN is_owner THEN 'viewer' WHEN" }],
    fault: /an owner who is no operator/,
    ...quick,
  },
  {
    name: 'a retry gets an id of its own',
    mutations: [
      {
        file: 'lambdas/activity/activity-entry.ts',
        from: 'activityId?.toLowerCase() ?? uuidv7()',
        to: 'uuidv7()',
      },
    ],
    fault: /written twice|there 2 times|under another id/,
    ...quick,
  },
  {
    name: 'activity is acknowledged although no store took it',
    mutations: [
      {
        file: 'lambdas/activity/activity-writer.ts',
        from: 'await within(this.#outbox.put(entries), dependencyTimeoutMillis);',
        to: 'await Promise.resolve();',
      },
    ],
    fault: /acknowledged and not there/,
    ...quick,
  },
  {
    name: 'the outbox is emptied before the write',
    mutations: [
      {
        file: 'lambdas/activity/outbox-replay.ts',
        from: 'await this.#writer.writeAllToDatabase(items.map(readableEntry));',
        to: 'await this.#outbox.remove(items); await this.#writer.writeAllToDatabase(items.map(readableEntry));',
      },
    ],
    fault: /acknowledged and not there/,
    operations: 1500,
    restMillis: 2500,
  },
  {
    name: 'sealers work side by side',
    mutations: [
      {
        file: 'lambdas/activity/chain-sealer.ts',
        from: 'SELECT pg_try_advisory_xact_lock($1) AS mine',
        to: 'SELECT $1::bigint > 0 AS mine',
      },
    ],
    fault: /duplicate key|deadlock|chain of/,
    operations: 1500,
    restMillis: 2500,
  },
  {
    name: 'an expiry is announced without being claimed',
    mutations: [
      {
        file: 'lambdas/sessions/sweep-sql.ts',
        from: "s.status = 'expired' AND s.expiry_announced_at IS NULL",
        to: "s.status = 'expired' AND s.end_time > now() - interval '1 second'",
      },
    ],
    fault: /session_expired is told twice/,
    ...thorough,
  },
  {
    name: 'places of people who never came are kept',
    mutations: [{ file: 'lambdas/flows/reconcile-places.ts', from: 'if (isPresent) continue;', to: 'continue;' }],
    fault: /holds a place in .* and is not there/,
    ...thorough,
  },
  {
    name: 'people without a place stay present',
    mutations: [{ file: 'lambdas/flows/sightings.ts', from: '.map(endPlacelessPresence)', to: '.map(async () => {})' }],
    fault: /holds no place/,
    ...thorough,
  },
];
