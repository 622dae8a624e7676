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
import type { AccessClaim } from '../../protocol/access-claim.ts';
import { type Role, roles } from '../../protocol/entities.ts';
import type { SeededRandom } from '../harness/seeded-random.ts';
import type { Actors, Connection } from './actor.ts';

/** What an owner decided about a person. */
type Verdict = { what: 'role'; role: Role } | { what: 'removed' };

/** One operation of a client, and its user. */
export interface Action {
  sessionId?: string;
  userId?: string;
  activityId?: string | undefined;
  run: () => Promise<unknown>;
}

export type Choose = (actors: Actors, random: SeededRandom) => Action | undefined;

/** A connection with the session that it joined. */
function seated(actors: Actors, random: SeededRandom): { connection: Connection; sessionId: string } | undefined {
  const connection = random.pick(actors.connections.filter((one) => one.joined.size > 0));
  const sessionId = connection && random.pick([...connection.joined]);
  return connection && sessionId ? { connection, sessionId } : undefined;
}

/** The operations of a connection that has joined a session. */
const fromSeat =
  (
    act: (connection: Connection, sessionId: string, actors: Actors, random: SeededRandom) => Promise<unknown>,
  ): Choose =>
  (actors, random) => {
    const seat = seated(actors, random);
    if (!seat) return undefined;
    const { connection, sessionId } = seat;
    const run = () => act(connection, sessionId, actors, random);
    return { sessionId, userId: connection.caller.userId, run };
  };

/** The operations of the owner of a session, on any of their connections. */
const byOwner =
  (act: (owner: Caller, sessionId: string, actors: Actors, random: SeededRandom) => Promise<unknown>): Choose =>
  (actors, random) => {
    const { sessionId, ownerId } = actors.stage(random);
    const own = actors.connections.find((one) => one.caller.userId === ownerId) ?? actors.connect(random, ownerId);
    return { sessionId, userId: ownerId, run: () => act(own.caller, sessionId, actors, random) };
  };

async function log(connection: Connection, sessionId: string, key: string, activityId: string | undefined) {
  const details = { key };
  const message = { type: 'activity_log', sessionId, activityType: 'note', details, activityId } as const;
  return logActivity(services, connection.caller, message);
}

async function enter(actors: Actors, connection: Connection, sessionId: string, invite?: string) {
  const { connectionId, userId, username } = connection.caller;
  if (connection.joined.size === 0) {
    await services.registry.add({ connectionId, userId, username, connectedAt: Date.now() });
  }
  const state = await joinSession(services, connection.caller, sessionId, invite);
  connection.joined.add(sessionId);
  if (!actors.connections.includes(connection)) await hangUp(connection, 50);
  return state;
}

/** Access claims with the role that each gives in the sessions of the campaign; undefined if it does not cover them. */
const claims = (role: Role): [claim: AccessClaim, given: Role | undefined][] => [
  [{ campaign: role }, role],
  [{ 'camp*': role }, role],
  [{ '*': 'operator', campaign: role }, role],
  [{ other: role, 'campaign/*': role }, undefined],
];

/** The decisions of an owner about a person: mostly one who joined the session, and anybody otherwise. */
const aboutPerson =
  (decide: (owner: Caller, decided: { sessionId: string; userId: string }, role: Role) => Promise<Verdict>): Choose =>
  (actors, random) => {
    const seat = random.chance(0.8) ? seated(actors, random) : undefined;
    const { sessionId, ownerId } =
      actors.stages.find((stage) => stage.sessionId === seat?.sessionId) ?? actors.stage(random);
    const { userId } = seat?.connection.caller ?? random.one(actors.people);
    const owner = actors.connections.find((one) => one.caller.userId === ownerId) ?? actors.connect(random, ownerId);
    const decided = { sessionId, userId };
    const role = random.one(roles);
    const run = async () => {
      // A guest joins again with another id, so with another person.
      if (!seat?.connection.caller.guest) actors.decided.push(decided);
      const since = Date.now();
      const verdict = await decide(owner.caller, decided, role);
      actors.acknowledge({ ...verdict, ...decided, since, until: Date.now() });
    };
    return { sessionId, userId: ownerId, run };
  };

async function hangUp(connection: Connection, graceMillis: number) {
  connection.joined.clear();
  await endConnection(services, connection.caller.connectionId, 'disconnected', graceMillis);
}

export const actions = {
  create(actors, random) {
    const connection = actors.connect(random);
    const metadata = { isPublic: random.chance(0.7), maxParticipants: 2 + random.below(3) };
    const run = async () => {
      const { session } = await createSession(services, connection.caller, 'campaign', metadata);
      connection.joined.add(session.id);
      actors.report({ kind: 'stage', stage: { sessionId: session.id, ownerId: session.ownerId } });
      actors.acknowledge({ what: 'created', sessionId: session.id });
    };
    return { userId: connection.caller.userId, run };
  },

  join(actors, random) {
    const { sessionId } = actors.stage(random);
    const reuse = random.chance(0.5) ? random.pick(actors.connections.filter((one) => !one.caller.guest)) : undefined;
    const connection = reuse ?? actors.connect(random);
    const invite = random.pick(actors.invites.filter((one) => one.sessionId === sessionId))?.invite;
    const run = () => enter(actors, connection, sessionId, random.chance(0.5) ? invite : undefined);
    return { sessionId, userId: connection.caller.userId, run };
  },

  /** The claim alone decides whether the join succeeds, and in which role. */
  claim(actors, random) {
    const { sessionId } = actors.stage(random);
    const [claim, given] = random.pick(claims(random.pick(roles)!))!;
    const connection = actors.connect(random);
    connection.caller.claim = claim;
    const invite = random.pick(actors.invites.filter((one) => one.sessionId === sessionId))?.invite;
    const run = async () => {
      const state = await enter(actors, connection, sessionId, invite);
      if (state.type === 'session_left' || state.role === given) return;
      throw new Error(`Joined as ${state.role} by the claim ${JSON.stringify(claim)}.`);
    };
    return { sessionId, userId: connection.caller.userId, run };
  },

  guest(actors, random) {
    const invite = random.pick(actors.invites.slice(-10));
    if (!invite) return undefined;
    const connection = actors.connectGuest(invite.sessionId, invite.invite);
    const run = () => enter(actors, connection, invite.sessionId);
    return { sessionId: invite.sessionId, userId: connection.caller.userId, run };
  },

  heartbeat: fromSeat(({ caller }, sessionId) => signOfLife(services, caller, sessionId, { kind: 'heartbeat' })),

  cursor: fromSeat(({ caller }, sessionId, actors) =>
    signOfLife(services, caller, sessionId, { kind: 'cursor', cursor: actors.frames.move().cursor }),
  ),

  sync: fromSeat(({ caller }, sessionId) => snapshotFor(services, caller, sessionId)),

  leave: fromSeat(async (connection, sessionId) => {
    await leaveSession(services, connection.caller, sessionId);
    connection.joined.delete(sessionId);
  }),

  log(actors, random) {
    const seat = seated(actors, random);
    if (!seat) return undefined;
    const { connection, sessionId } = seat;
    const { userId } = connection.caller;
    const key = randomUUID();
    const chosen = random.chance(0.7) ? randomUUID() : undefined;
    if (chosen) actors.logged.push({ connection, sessionId, key, activityId: chosen });
    const run = async () => {
      const { activityId } = await log(connection, sessionId, key, chosen);
      actors.acknowledge({ what: 'logged', sessionId, userId, key, activityId });
    };
    return { sessionId, userId, activityId: chosen, run };
  },

  /** The client sends the request again, with or without an earlier answer. */
  logAgain(actors, random) {
    const before = random.pick(actors.logged.slice(-20));
    if (!before) return undefined;
    const { connection, sessionId, key, activityId } = before;
    const { userId } = connection.caller;
    const run = async () => {
      await log(connection, sessionId, key, activityId);
      actors.acknowledge({ what: 'logged', sessionId, userId, key, activityId });
    };
    return { sessionId, userId, activityId, run };
  },

  /** The socket ends; its $disconnect event comes once, twice or never. */
  hangUp(actors, random) {
    const connection = random.pick(actors.connections);
    if (!connection) return undefined;
    const times = random.weighted({ once: 5, twice: 3, never: 2 });
    const graceMillis = random.one([50, 300]);
    actors.forget(connection);
    const run = async () => {
      if (times !== 'never') await hangUp(connection, graceMillis);
      if (times === 'twice') await hangUp(connection, graceMillis);
    };
    return { userId: connection.caller.userId, run };
  },

  role: aboutPerson(async (owner, { sessionId, userId }, role) => {
    await changeRole(services, owner, sessionId, userId, role);
    return { what: 'role', role };
  }),

  remove: aboutPerson(async (owner, { sessionId, userId }) => {
    await removeParticipant(services, owner, sessionId, userId, undefined);
    return { what: 'removed' };
  }),

  /** Somebody about whom an owner decides joins again, during the decision or after it. */
  rejoin(actors, random) {
    const invitesTo = ({ sessionId }: { sessionId: string }) =>
      actors.invites.filter((one) => one.sessionId === sessionId);
    const recent = actors.decided.slice(-4);
    const decided = random.pick(recent.filter((each) => invitesTo(each).length > 0)) ?? recent.at(-1);
    if (!decided) return undefined;
    const { sessionId, userId } = decided;
    const connection = actors.connect(random, userId);
    const invite = random.pick(invitesTo(decided))?.invite;
    const run = async () => {
      if (random.chance(0.5)) await enter(actors, connection, sessionId);
      return enter(actors, connection, sessionId, invite);
    };
    return { sessionId, userId, run };
  },

  end: byOwner(async (owner, sessionId, actors) => {
    const { reason } = await endSession(services, owner, sessionId, 'completed');
    if (reason === 'completed') actors.acknowledge({ what: 'ended', sessionId });
  }),

  recover(actors, random) {
    const { sessionId, ownerId } = random.pick(actors.stages.slice(0, -5)) ?? actors.stage(random);
    const { caller } =
      actors.connections.find((one) => one.caller.userId === ownerId) ?? actors.connect(random, ownerId);
    return { sessionId, userId: ownerId, run: () => recoverSession(services, caller, sessionId) };
  },

  invite: byOwner(async (owner, sessionId, actors, random) => {
    const terms = { role: random.one(roles), maxUses: 1 + random.below(3) };
    const { inviteId, invite } = await createInvite(services, owner, sessionId, terms);
    actors.invites.push({ sessionId, ownerId: owner.userId, inviteId, invite });
    actors.acknowledge({ what: 'invited', sessionId, inviteId });
  }),

  revoke(actors, random) {
    const invite = random.pick(actors.invites);
    if (!invite) return undefined;
    const { sessionId, ownerId, inviteId } = invite;
    const { caller } =
      actors.connections.find((one) => one.caller.userId === ownerId) ?? actors.connect(random, ownerId);
    const run = async () => {
      if (await revokeInvite(services, caller, sessionId, inviteId)) {
        actors.acknowledge({ what: 'revoked', sessionId, inviteId });
      }
    };
    return { sessionId, userId: ownerId, run };
  },
} satisfies Record<string, Choose>;
