import type { Membership } from '../../connections/connection-registry.ts';

/** The memberships with one name for each user: that of their newest join, because a user may have changed their name. */
export function withNewestNames(members: readonly Membership[]): Membership[] {
  const newest = new Map<string, Membership>();
  for (const member of members) {
    const known = newest.get(member.userId);
    if (!known || known.joinedAt < member.joinedAt) newest.set(member.userId, member);
  }
  return members.map((member) => ({ ...member, username: newest.get(member.userId)!.username }));
}
