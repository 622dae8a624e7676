import type { Mutation } from './bundle.ts';

/** The product with a fault in it, and how the campaign must find it. */
export interface Variant {
  name: string;
  mutations: Mutation[];
  fault: RegExp;
}

/** Faults that do not hide one another: one campaign has to find them all. */
export interface VariantGroup {
  about: string;
  operations: number;
  restMillis: number;
  variants: Variant[];
}

const join = 'migrations/0005-join-session.sql';
const diff = 'await post(outcome.receivers, frame);';

export const variantGroups: VariantGroup[] = [
  {
    about: 'doors and stores',
    operations: 1500,
    restMillis: 1500,
    variants: [
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
      },
      {
        name: 'an owner who rejoins is a viewer',
        mutations: [{ file: join, from: "WHEN is_owner THEN 'operator' WHEN", to: "WHEN is_owner THEN 'viewer' WHEN" }],
        fault: /an owner who is no operator/,
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
      },
      {
        name: 'activity is acknowledged although no store took it',
        mutations: [
          {
            file: 'lambdas/activity/activity-writer.ts',
            from: 'await withDeadline(this.#outbox.put(entries), dependencyTimeoutMillis);',
            to: 'await Promise.resolve();',
          },
        ],
        fault: /acknowledged and not there/,
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
      },
    ],
  },
  {
    about: 'what is told and written down later',
    operations: 2000,
    restMillis: 8000,
    variants: [
      {
        name: 'places of people who never came are kept',
        mutations: [
          {
            file: 'lambdas/flows/sweep/reconcile-slots.ts',
            from: 'if (await isPresent()) continue;',
            to: 'continue;',
          },
        ],
        fault: /holds a place in .* and is not there/,
      },
      {
        name: 'the sweep writes down no coming',
        mutations: [
          {
            file: 'lambdas/flows/journal/movement-writer.ts',
            from: 'task.arrivals.map(',
            to: 'task.arrivals.slice(0, 0).map(',
          },
        ],
        fault: /left without having come|is there and left by the trail/,
      },
      {
        name: 'somebody is left out of a diff',
        mutations: [
          {
            file: 'lambdas/flows/presence/announce.ts',
            from: diff,
            to: diff.replace('receivers', 'receivers.slice(1)'),
          },
        ],
        fault: /never told/,
      },
    ],
  },
  {
    about: 'what happens once',
    operations: 2000,
    restMillis: 8000,
    variants: [
      {
        name: 'an expiry is announced without being claimed',
        mutations: [
          {
            file: 'lambdas/sessions/sweep-sql.ts',
            from: "s.status = 'expired' AND s.expiry_announced_at IS NULL",
            to: "s.status = 'expired' AND s.end_time > now() - interval '1 second'",
          },
          {
            file: 'lambdas/flows/journal/expiry-entry.ts',
            from: 'const activityId = uuidv5(',
            to: 'const activityId = ((..._: unknown[]) => undefined)(',
          },
        ],
        fault: /session_expired is told twice/,
      },
      {
        name: 'a departure is written again each time it is found',
        mutations: [
          {
            file: 'lambdas/flows/journal/departures.ts',
            from: 'isUnrecorded(departing, movements[index])',
            to: 'true',
          },
          {
            file: 'lambdas/flows/journal/departures.ts',
            from: 'const activityId = uuidv5(',
            to: 'const activityId = ((..._: unknown[]) => crypto.randomUUID() as string)(',
          },
        ],
        fault: /left without having come/,
      },
      {
        name: 'a diff is sent twice',
        mutations: [{ file: 'lambdas/flows/presence/announce.ts', from: diff, to: `${diff} ${diff}` }],
        fault: /told 2 times/,
      },
      {
        name: 'a decision and its entry are not one',
        mutations: [
          {
            file: 'lambdas/platform/transaction.ts',
            from: "write: 'BEGIN'",
            to: "write: 'SELECT 1'",
          },
        ],
        fault: /without its entry/,
      },
    ],
  },
];
