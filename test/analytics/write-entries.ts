import type { ActivityParams } from '../../lambdas/activity/activity-entry.ts';
import type { ActivityLogger } from '../../lambdas/activity/activity-logger.ts';
import type { TestDatabase } from '../support/database.ts';

/** Writes entries. A guest who signs in has their identity before the entry is visible, as in the transaction of a sign-in. */
export async function writeEntries(
  database: TestDatabase,
  logger: ActivityLogger,
  entries: readonly ActivityParams[],
): Promise<void> {
  const signIns = entries.filter(({ type }) => type === 'guest_signed_in');
  await database.pool.query(
    `INSERT INTO guest_identities (session_id, guest_id, user_id, signed_in_at)
     SELECT session, guest, person, to_timestamp(at / 1000)
     FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::float8[]) AS s (session, guest, person, at) ON CONFLICT DO NOTHING`,
    [
      signIns.map(({ sessionId }) => sessionId),
      signIns.map(({ details }) => details!['guestId']),
      signIns.map(({ userId }) => userId),
      signIns.map(({ at }) => at),
    ],
  );
  await logger.logActivities([...entries]);
}
