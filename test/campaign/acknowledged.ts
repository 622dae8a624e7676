import type { Aftermath } from './campaign.ts';
import type { Acknowledged } from './messages.ts';

interface Row {
  id: string;
  session_id: string;
  user_id: string | null;
  activity_type: string;
  details: { key?: string; inviteId?: string; targetUserId?: string };
}

/** The type of entry for an acknowledged operation, and the field that identifies the operation. */
const entryOf = {
  created: { type: 'session_created', names: () => '' },
  ended: { type: 'session_ended', names: () => '' },
  logged: { type: 'note', names: (details: Row['details']) => details.key },
  role: { type: 'participant_role_changed', names: (details: Row['details']) => details.targetUserId },
  invited: { type: 'invite_created', names: (details: Row['details']) => details.inviteId },
  revoked: { type: 'invite_revoked', names: (details: Row['details']) => details.inviteId },
} as const;

type Kept = keyof typeof entryOf;

/** The acknowledged operations that are missing or different in the database (rules AC1, AC3). */
export async function missingFacts({ database, acknowledged }: Aftermath): Promise<string[]> {
  const { rows } = await database.query<Row>(
    'SELECT id, session_id, user_id, activity_type, details FROM activity_log',
  );
  const found = new Map<string, Row[]>();
  for (const row of rows) {
    for (const [what, { type, names }] of Object.entries(entryOf)) {
      if (row.activity_type !== type) continue;
      const key = `${what} ${row.session_id} ${names(row.details)}`;
      found.set(key, [...(found.get(key) ?? []), row]);
    }
  }
  return acknowledged.flatMap((fact) => faultOf(fact, found) ?? []);
}

function faultOf(fact: Acknowledged, found: Map<string, Row[]>): string | undefined {
  if (!(fact.what in entryOf)) return undefined;
  const rows = found.get(`${fact.what} ${fact.sessionId} ${nameOf(fact)}`) ?? [];
  const words = JSON.stringify(fact);
  if (rows.length === 0) return `acknowledged and missing: ${words}`;
  // A role may be set several times; each other operation happens once.
  if (rows.length > 1 && fact.what !== 'role') return `acknowledged and written ${rows.length} times: ${words}`;
  if (fact.what === 'logged' && rows[0]!.id !== fact.activityId) return `acknowledged under another id: ${words}`;
  return undefined;
}

function nameOf(fact: Acknowledged & { what: Kept | 'removed' }): string {
  if (fact.what === 'logged') return fact.key;
  if (fact.what === 'role' || fact.what === 'removed') return fact.userId;
  return 'inviteId' in fact ? fact.inviteId : '';
}
