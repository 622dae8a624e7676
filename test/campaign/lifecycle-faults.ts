import type { Aftermath } from './campaign.ts';

interface Event {
  session_id: string;
  user_id: string | null;
  activity_type: string;
}

/**
 * Repeated entries about the lifecycle of a session (rule SE9). A session begins once, ends once, and expires again only after a
 * recovery. The entry of an interrupted recovery may be missing between two expiries.
 */
export async function lifecycleFaults({ database, killed }: Aftermath): Promise<string[]> {
  const { rows } = await database.query<Event>(
    `SELECT session_id, user_id, activity_type FROM activity_log
     WHERE activity_type IN ('session_created', 'session_ended', 'session_expired', 'session_recovered')
     ORDER BY created_at, id`,
  );
  const interrupted = new Set(killed.filter(({ operation }) => operation === 'recover').map((one) => one.sessionId));
  const faults: string[] = [];
  for (const [sessionId, events] of Map.groupBy(rows, (row) => row.session_id)) {
    const types = events.map((event) => event.activity_type);
    for (const once of ['session_created', 'session_ended']) {
      if (types.filter((type) => type === once).length > 1) faults.push(`${once} is recorded twice for ${sessionId}`);
    }
    const again = types
      .filter((type) => /expired|recovered/.test(type))
      .some((type, place, all) => type === 'session_expired' && all[place - 1] === type);
    if (again && !interrupted.has(sessionId)) faults.push(`session_expired is recorded twice for ${sessionId}`);
  }
  return faults;
}
