import type { Membership } from '../../connections/connection-registry.ts';

/**
 * The memberships with one name and one role for each user: those of their newest join. A user may have changed their name, and
 * their connections may have tokens with different access claims.
 */
export function asInNewestJoins(members: readonly Membership[]): Membership[] {
  const newest = new Map<string, Membership>();
  for (const member of members) {
    const known = newest.get(member.userId);
    if (!known || known.joinedAt < member.joinedAt) newest.set(member.userId, member);
  }
  return members.map((member) => {
    const { username, role } = newest.get(member.userId)!;
    return { ...member, username, role };
  });
}
