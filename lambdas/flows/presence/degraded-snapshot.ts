import { randomBytes } from 'node:crypto';
import type { PersonData, PresenceUser } from '../../../protocol/entities.ts';
import type { ServerFrames } from '../../../protocol/frames.ts';
import type { Membership } from '../../connections/connection-registry.ts';
import { newestData } from '../../presence/person-data.ts';
import type { Services } from '../../services/services.ts';
import { asInNewestJoins } from '../connections/newest-joins.ts';

/**
 * The snapshot that answers a join while Redis is away, made from the connection table (rule FA1). Its epoch is random, so
 * the first diff or heartbeat after the outage makes the client fetch the real state.
 *
 * @param own the membership of the join. It was written just now, and the index of the table may not show it yet.
 */
export async function degradedSnapshot(
  services: Services,
  own: Membership,
): Promise<Pick<ServerFrames['presence_state'], 'epoch' | 'seq' | 'users'>> {
  const now = services.clock();
  // The membership of an agent stays in the table when its lease ends.
  const others = (await services.registry.members(own.sessionId)).filter(
    ({ connectionId, agent }) => connectionId !== own.connectionId && !(agent && agent.leaseUntil <= now),
  );
  const users = new Map<string, PresenceUser>();
  const members = asInNewestJoins([own, ...others]);
  for (const member of members) {
    const known = users.get(member.userId);
    users.set(member.userId, known ? withConnection(known, member) : userOf(member));
  }
  for (const user of users.values()) {
    const data = newestData(members.filter(({ userId }) => userId === user.userId));
    if (data !== undefined && data !== '{}') user.data = JSON.parse(data) as PersonData;
  }
  return { epoch: randomBytes(6).toString('hex'), seq: 0, users: [...users.values()] };
}

function userOf({ userId, username, role, joinedAt, guestId, agent }: Membership): PresenceUser {
  const clocks = { lastSeen: joinedAt, lastActive: joinedAt, joinedAt };
  const person = { userId, username, role, ...(guestId ? { guestId } : {}) };
  const user: PresenceUser = { ...person, status: 'online', ...clocks, connections: 1 };
  if (!agent) return user;
  return { ...user, kind: 'agent', ...(agent.onBehalfOf ? { onBehalfOf: agent.onBehalfOf } : {}) };
}

function withConnection(user: PresenceUser, { joinedAt, guestId }: Membership): PresenceUser {
  const newest = Math.max(user.lastSeen, joinedAt);
  const clocks = { lastSeen: newest, lastActive: newest, joinedAt: Math.min(user.joinedAt, joinedAt) };
  return { ...user, ...(guestId ? { guestId } : {}), ...clocks, connections: user.connections + 1 };
}
