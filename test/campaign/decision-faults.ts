import { type Role, roles } from '../../protocol/entities.ts';
import type { Aftermath } from './campaign.ts';
import type { Acknowledged } from './messages.ts';

type Decision = Extract<Acknowledged, { what: 'role' | 'removed' }>;

interface Entry {
  session_id: string;
  user_id: string;
  activity_type: 'invite_created' | 'invite_used' | 'participant_removed' | 'participant_role_changed';
  details: { inviteId?: string; role?: Role; targetUserId?: string };
  at: number;
}

interface Right {
  session_id: string;
  person_id: string;
  is_public: boolean;
  /** The role without an access claim; null if the person has no access. */
  role: Role | null;
}

const entries = `
  SELECT session_id, user_id, activity_type, details, (extract(epoch FROM created_at) * 1000)::float8 AS at FROM activity_log
  WHERE activity_type IN ('invite_created', 'invite_used', 'participant_removed', 'participant_role_changed')`;
const rights = `
  SELECT DISTINCT ON (p.session_id, p.person_id) p.session_id, p.person_id, s.is_public,
    CASE WHEN p.left_cause = 'removed' THEN NULL WHEN p.by_claim THEN p.own_role ELSE p.role END AS role
  FROM session_participants p JOIN collaboration_sessions s ON s.id = p.session_id
  ORDER BY p.session_id, p.person_id, p.left_at IS NULL DESC, p.joined_at DESC`;

/** Higher for a role with more rights; -1 for no access. */
const rank = (role: Role | null | undefined) => (role ? roles.indexOf(role) : -1);

/**
 * The acknowledged removals and roles that did not hold (rule SE8): an invite from before was used after them, or the person has more
 * rights than the decision left them, although nothing later gave these.
 */
export async function decisionFaults({ database, acknowledged }: Aftermath): Promise<string[]> {
  const bySession = Map.groupBy((await database.query<Entry>(entries)).rows, (entry) => entry.session_id);
  const found = (await database.query<Right>(rights)).rows;
  const rightOf = new Map(found.map((right) => [`${right.session_id} ${right.person_id}`, right]));
  return acknowledged.flatMap((fact) => {
    if (fact.what !== 'role' && fact.what !== 'removed') return [];
    const trail = bySession.get(fact.sessionId) ?? [];
    if (!hadEffect(fact, trail)) return [];
    const right = rightOf.get(`${fact.sessionId} ${fact.userId}`);
    return [usedOldInvite(fact, trail), right && hasTooMuch(fact, right, trail)].filter((fault) => fault !== undefined);
  });
}

/** The removal of a person without access changes nothing and has no entry. */
function hadEffect({ what, userId, since, until }: Decision, trail: Entry[]): boolean {
  if (what === 'role') return true;
  return trail.some(
    ({ activity_type: type, details, at }) =>
      type === 'participant_removed' && details.targetUserId === userId && at >= since && at <= until,
  );
}

function usedOldInvite(fact: Decision, trail: Entry[]): string | undefined {
  const older = new Set(
    trail
      .filter(({ activity_type: type, at }) => type === 'invite_created' && at < fact.since)
      .map(({ details }) => details.inviteId),
  );
  const use = trail.find(
    ({ activity_type: type, user_id, details, at }) =>
      type === 'invite_used' &&
      user_id === fact.userId &&
      older.has(details.inviteId) &&
      at > fact.until &&
      (fact.what === 'removed' || rank(details.role) > rank(fact.role)),
  );
  return use && `an older invite was used after a decision: ${JSON.stringify(fact)}, ${JSON.stringify(use)}`;
}

function hasTooMuch(fact: Decision, right: Right, trail: Entry[]): string | undefined {
  const newcomer = right.is_public ? ('viewer' as const) : null;
  const left = fact.what === 'role' ? fact.role : newcomer;
  if (rank(right.role) <= rank(left)) return undefined;
  const isGiven = trail.some(({ activity_type: type, details, at }) => {
    const mayGive =
      type === 'invite_created' || (type === 'participant_role_changed' && details.targetUserId === fact.userId);
    return mayGive && at >= fact.since && rank(details.role) >= rank(right.role);
  });
  return isGiven ? undefined : `a decision did not hold: ${JSON.stringify(fact)}, ${JSON.stringify(right)}`;
}
