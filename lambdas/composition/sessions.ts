import { database, type Queryable } from '../platform/database.ts';
import { once } from '../platform/once.ts';
import { timings } from '../platform/timings.ts';
import { AgentSlots } from '../sessions/agent-slots.ts';
import { SessionInvites } from '../sessions/session-invites.ts';
import { SessionKeys } from '../sessions/session-keys.ts';
import { SessionManager } from '../sessions/session-manager.ts';
import { inviteKeys } from './invite-keys.ts';

/** The sessions of this environment. */
export const sessions = once(() => sessionsOn(database()));

/** The sessions by the keys of the application. */
export const sessionKeys = once(() => keysOn(database()));

/** The invites of this environment. */
export const invites = once(() => invitesOn(database(), sessions()));

/** The sessions on one database connection, so that several calls share a transaction. */
export function sessionsOn(queryable: Queryable): SessionManager {
  return new SessionManager({ database: queryable, timings, inviteKeys: inviteKeys() });
}

/** The same for sessions by their keys. */
export function keysOn(queryable: Queryable): SessionKeys {
  return new SessionKeys({ database: queryable, timings });
}

/** The same for the slots of agents. */
export function agentsOn(queryable: Queryable): AgentSlots {
  return new AgentSlots(queryable, timings);
}

/** The same for invites. */
export function invitesOn(queryable: Queryable, manager: SessionManager): SessionInvites {
  return new SessionInvites({ database: queryable, sessions: manager, inviteKeys: inviteKeys() });
}
