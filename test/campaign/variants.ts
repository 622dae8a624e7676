import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Mutation } from './bundle.ts';

/** A deliberate mistake in the product, and the violation that the campaign must report. */
export interface Variant {
  name: string;
  mutations: Mutation[];
  fault: RegExp;
}

/** Mistakes that do not hide one another, so that one campaign can find all of them. */
export interface VariantGroup {
  about: string;
  operations: number;
  restMillis: number;
  variants: Variant[];
}

const joinSession = definitionOf('join_session');
const diff = 'await post(services, outcome.receivers, frame);';

export const variantGroups: VariantGroup[] = [
  {
    about: 'doors and stores',
    operations: 1500,
    restMillis: 1500,
    variants: [
      {
        name: 'slots are counted without the lock on the session',
        mutations: [
          { file: joinSession, from: 'WHERE s.id = session_uuid FOR NO KEY UPDATE', to: 'WHERE s.id = session_uuid' },
          // A pause between the count and the insertion, in which others may get the same count.
          {
            file: joinSession,
            from: 'IF person_user IS NOT NULL THEN',
            to: 'PERFORM pg_sleep(0.03); IF person_user IS NOT NULL THEN',
          },
        ],
        fault: /participants in the \d+ slots/,
      },
      {
        name: 'an owner who rejoins becomes a viewer',
        mutations: [
          { file: joinSession, from: "WHEN is_owner THEN 'operator' WHEN", to: "WHEN is_owner THEN 'viewer' WHEN" },
        ],
        fault: /an owner who is not operator/,
      },
      {
        name: 'an access claim gives a right that outlasts it',
        mutations: [
          {
            file: joinSession,
            from: 'WHEN stay.by_claim THEN stay.own_role ELSE stay.role END;',
            to: 'ELSE stay.role END;',
          },
        ],
        fault: /a right to a private session without an invite/,
      },
      {
        name: 'a retry gets a new id',
        mutations: [
          {
            file: 'lambdas/activity/activity-entry.ts',
            from: 'activityId?.toLowerCase() ?? uuidv7()',
            to: 'uuidv7()',
          },
        ],
        fault: /written twice|written 2 times|under another id/,
      },
      {
        name: 'an activity is acknowledged although no store has it',
        mutations: [
          {
            file: 'lambdas/activity/activity-writer.ts',
            from: 'await withDeadline(this.#outbox.put(entries), dependencyTimeoutMillis);',
            to: 'await Promise.resolve();',
          },
        ],
        fault: /acknowledged and missing/,
      },
      {
        name: 'several sealers work without a lock',
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
    about: 'decisions of the owner',
    operations: 2000,
    restMillis: 1500,
    variants: [
      {
        name: 'a join forgets an earlier removal',
        mutations: [{ file: joinSession, from: 'removed_at = removal,', to: 'removed_at = NULL,' }],
        fault: /an older invite was used after a decision: {"what":"removed"/,
      },
      {
        name: 'a join does not wait for a removal',
        mutations: [
          {
            file: joinSession,
            from: 'p.joined_at DESC LIMIT 1 FOR NO KEY UPDATE;',
            // A pause between the reading of the row and its change.
            to: 'p.joined_at DESC LIMIT 1; PERFORM pg_sleep(0.03);',
          },
        ],
        fault: /a decision did not hold/,
      },
    ],
  },
  {
    about: 'what is told and written down later',
    operations: 2000,
    restMillis: 8000,
    variants: [
      {
        name: 'slots of users who were never present are kept',
        mutations: [
          {
            file: 'lambdas/flows/sweep/reconcile-slots.ts',
            from: 'if (await isPresent()) return false;',
            to: 'return false;',
          },
        ],
        fault: /holds a slot in .* and is not present/,
      },
      {
        name: 'the sweep records no joins',
        mutations: [
          {
            file: 'lambdas/flows/journal/movement-writer.ts',
            from: 'task.arrivals.map(',
            to: 'task.arrivals.slice(0, 0).map(',
          },
        ],
        fault: /left without a join|is present and has a leave in the trail/,
      },
      {
        name: 'a diff is not sent to one of its receivers',
        mutations: [
          {
            file: 'lambdas/flows/presence/announce.ts',
            from: diff,
            to: diff.replace('receivers', 'receivers.slice(1)'),
          },
        ],
        fault: /never announced/,
      },
    ],
  },
  {
    about: 'what happens once',
    operations: 2000,
    restMillis: 8000,
    variants: [
      {
        name: 'an expiry is announced without a claim',
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
        fault: /session_expired is recorded twice/,
      },
      {
        name: 'a leave is recorded each time it is found',
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
        fault: /left without a join/,
      },
      {
        name: 'a diff is sent twice',
        mutations: [{ file: 'lambdas/flows/presence/announce.ts', from: diff, to: `${diff} ${diff}` }],
        fault: /announced 2 times/,
      },
      {
        name: 'a decision and its entry are not in one transaction',
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

/** The newest migration that defines a function of the database. A mutation of an older one would change nothing. */
function definitionOf(name: string): string {
  const folder = join(__dirname, '..', '..', 'migrations');
  const defines = new RegExp(`^CREATE (OR REPLACE )?FUNCTION ${name}\\(`, 'm');
  const newest = readdirSync(folder)
    .sort()
    .findLast((file) => defines.test(readFileSync(join(folder, file), 'utf8')));
  if (!newest) throw new Error(`No migration defines ${name}.`);
  return `migrations/${newest}`;
}
