import { randomUUID } from 'node:crypto';
import { services } from '../../lambdas/composition/services.ts';
import { logActivity } from '../../lambdas/flows/activity/log-activity.ts';
import type { Caller } from '../../lambdas/flows/callers/caller.ts';
import { endConnection } from '../../lambdas/flows/connections/end-connection.ts';
import { signOfLife } from '../../lambdas/flows/frames/sign-of-life.ts';
import { snapshotFor } from '../../lambdas/flows/frames/snapshot.ts';
import { createSession, joinSession } from '../../lambdas/flows/joining/join-session.ts';
import { leaveSession } from '../../lambdas/flows/leaving/leave-session.ts';
import { endSession } from '../../lambdas/flows/sessions/end-session.ts';
import { createInvite, revokeInvite } from '../../lambdas/flows/sessions/manage-invites.ts';
import { changeRole, removeParticipant } from '../../lambdas/flows/sessions/manage-participants.ts';
import { recoverSession } from '../../lambdas/flows/sessions/recover-session.ts';
import { roles } from '../../protocol/entities.ts';
import type { SeededRandom } from '../support/seeded-random.ts';
import type { Connection, Troupe } from './actor.ts';

/** One thing a client does, and whom it is about. */
export interface Deed {
  sessionId?: string;
  userId?: string;
  activityId?: string | undefined;
  run: () => Promise<unknown>;
}

type Choose = (troupe: Troupe, random: SeededRandom) => Deed | undefined;

/** A connection that joined something, and what. */
function seated(troupe: Troupe, random: SeededRandom): { connection: Connection; sessionId: string } | undefined {
  const connection = random.pick(troupe.connections.filter((one) => one.joined.size > 0));
  const sessionId = connection && random.pick([...connection.joined]);
  return connection && sessionId ? { connection, sessionId } : undefined;
}

/** What those who joined something do with it. */
const fromSeat =
  (
    act: (connection: Connection, sessionId: string, troupe: Troupe, random: SeededRandom) => Promise<unknown>,
  ): Choose =>
  (troupe, random) => {
    const seat = seated(troupe, random);
    if (!seat) return undefined;
    const { connection, sessionId } = seat;
    const run = () => act(connection, sessionId, troupe, random);
    return { sessionId, userId: connection.caller.userId, run };
  };

/** What the owner of a session does, on any connection of theirs. */
const byOwner =
  (act: (owner: Caller, sessionId: string, troupe: Troupe, random: SeededRandom) => Promise<unknown>): Choose =>
  (troupe, random) => {
    const { sessionId, ownerId } = troupe.stage(random);
    const own = troupe.connections.find((one) => one.caller.userId === ownerId) ?? troupe.connect(random, ownerId);
    return { sessionId, userId: ownerId, run: () => act(own.caller, sessionId, troupe, random) };
  };

async function log(connection: Connection, sessionId: string, key: string, activityId: string | undefined) {
  const details = { key };
  const message = { type: 'activity_log', sessionId, activityType: 'note', details, activityId } as const;
  return logActivity(services, connection.caller, message);
}

async function enter(troupe: Troupe, connection: Connection, sessionId: string, invite?: string) {
  const { connectionId, userId, username } = connection.caller;
  if (connection.joined.size === 0) {
    await services.registry.add({ connectionId, userId, username, connectedAt: Date.now() });
  }
  await joinSession(services, connection.caller, sessionId, invite);
  connection.joined.add(sessionId);
  if (!troupe.connections.includes(connection)) await hangUp(connection, 50);
}

async function hangUp(connection: Connection, graceMillis: number) {
  connection.joined.clear();
  await endConnection(services, connection.caller.connectionId, 'disconnected', graceMillis);
}

export const deeds = {
  create(troupe, random) {
    const connection = troupe.connect(random);
    const metadata = { isPublic: random.chance(0.7), maxParticipants: 2 + random.below(3) };
    const run = async () => {
      const { session } = await createSession(services, connection.caller, 'campaign', metadata);
      connection.joined.add(session.id);
      troupe.report({ kind: 'stage', stage: { sessionId: session.id, ownerId: session.ownerId } });
      troupe.acknowledge({ what: 'created', sessionId: session.id });
    };
    return { userId: connection.caller.userId, run };
  },

  join(troupe, random) {
    const { sessionId } = troupe.stage(random);
    const reuse = random.chance(0.5) ? random.pick(troupe.connections.filter((one) => !one.caller.guest)) : undefined;
    const connection = reuse ?? troupe.connect(random);
    const invite = random.pick(troupe.invites.filter((one) => one.sessionId === sessionId))?.invite;
    const run = () => enter(troupe, connection, sessionId, random.chance(0.5) ? invite : undefined);
    return { sessionId, userId: connection.caller.userId, run };
  },

  guest(troupe, random) {
    const invite = random.pick(troupe.invites.slice(-10));
    if (!invite) return undefined;
    const connection = troupe.connectGuest(invite.sessionId, invite.invite);
    const run = () => enter(troupe, connection, invite.sessionId);
    return { sessionId: invite.sessionId, userId: connection.caller.userId, run };
  },

  heartbeat: fromSeat(({ caller }, sessionId) => signOfLife(services, caller, sessionId, { kind: 'heartbeat' })),

  cursor: fromSeat(({ caller }, sessionId, _, random) =>
    signOfLife(services, caller, sessionId, { kind: 'cursor', cursor: { eventId: 'e', position: random.below(1000) } }),
  ),

  sync: fromSeat(({ caller }, sessionId) => snapshotFor(services, caller, sessionId)),

  leave: fromSeat(async (connection, sessionId) => {
    await leaveSession(services, connection.caller, sessionId);
    connection.joined.delete(sessionId);
  }),

  log(troupe, random) {
    const seat = seated(troupe, random);
    if (!seat) return undefined;
    const { connection, sessionId } = seat;
    const { userId } = connection.caller;
    const key = randomUUID();
    const chosen = random.chance(0.7) ? randomUUID() : undefined;
    if (chosen) troupe.logged.push({ connection, sessionId, key, activityId: chosen });
    const run = async () => {
      const { activityId } = await log(connection, sessionId, key, chosen);
      troupe.acknowledge({ what: 'logged', sessionId, userId, key, activityId });
    };
    return { sessionId, userId, activityId: chosen, run };
  },

  /** The client did not see the answer, or did and sends again. */
  logAgain(troupe, random) {
    const before = random.pick(troupe.logged.slice(-20));
    if (!before) return undefined;
    const { connection, sessionId, key, activityId } = before;
    const { userId } = connection.caller;
    const run = async () => {
      await log(connection, sessionId, key, activityId);
      troupe.acknowledge({ what: 'logged', sessionId, userId, key, activityId });
    };
    return { sessionId, userId, activityId, run };
  },

  /** The socket ends; the event of it comes once, twice or never. */
  hangUp(troupe, random) {
    const connection = random.pick(troupe.connections);
    if (!connection) return undefined;
    const times = random.weighted({ once: 5, twice: 3, never: 2 });
    const graceMillis = random.pick([50, 300])!;
    troupe.forget(connection);
    const run = async () => {
      if (times !== 'never') await hangUp(connection, graceMillis);
      if (times === 'twice') await hangUp(connection, graceMillis);
    };
    return { userId: connection.caller.userId, run };
  },

  role: byOwner(async (owner, sessionId, troupe, random) => {
    const { userId } = random.pick(troupe.people)!;
    await changeRole(services, owner, sessionId, userId, random.pick(roles)!);
    troupe.acknowledge({ what: 'role', sessionId, userId });
  }),

  remove: byOwner(async (owner, sessionId, troupe, random) => {
    const { userId } = random.pick(troupe.people)!;
    await removeParticipant(services, owner, sessionId, userId, undefined);
    troupe.acknowledge({ what: 'removed', sessionId, userId });
  }),

  end: byOwner(async (owner, sessionId, troupe) => {
    const { reason } = await endSession(services, owner, sessionId, 'completed');
    if (reason === 'completed') troupe.acknowledge({ what: 'ended', sessionId });
  }),

  recover(troupe, random) {
    const { sessionId, ownerId } = random.pick(troupe.stages.slice(0, -5)) ?? troupe.stage(random);
    const { caller } =
      troupe.connections.find((one) => one.caller.userId === ownerId) ?? troupe.connect(random, ownerId);
    return { sessionId, userId: ownerId, run: () => recoverSession(services, caller, sessionId) };
  },

  invite: byOwner(async (owner, sessionId, troupe, random) => {
    const terms = { role: random.pick(roles)!, maxUses: 1 + random.below(3) };
    const { inviteId, invite } = await createInvite(services, owner, sessionId, terms);
    troupe.invites.push({ sessionId, ownerId: owner.userId, inviteId, invite });
    troupe.acknowledge({ what: 'invited', sessionId, inviteId });
  }),

  revoke(troupe, random) {
    const invite = random.pick(troupe.invites);
    if (!invite) return undefined;
    const { sessionId, ownerId, inviteId } = invite;
    const { caller } =
      troupe.connections.find((one) => one.caller.userId === ownerId) ?? troupe.connect(random, ownerId);
    const run = async () => {
      if (await revokeInvite(services, caller, sessionId, inviteId)) {
        troupe.acknowledge({ what: 'revoked', sessionId, inviteId });
      }
    };
    return { sessionId, userId: ownerId, run };
  },
} satisfies Record<string, Choose>;
