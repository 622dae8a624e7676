import { SessionInvites } from '../sessions/session-invites.ts';
import { SessionManager } from '../sessions/session-manager.ts';
import { database } from './database.ts';
import { inviteKeys } from './invite-keys.ts';
import { once } from './once.ts';
import { timings } from './timings.ts';

/** The sessions of this environment. */
export const sessions = once(() => new SessionManager({ database: database(), timings, inviteKeys: inviteKeys() }));

/** The invitations of this environment. */
export const invites = once(
  () => new SessionInvites({ database: database(), sessions: sessions(), inviteKeys: inviteKeys() }),
);
