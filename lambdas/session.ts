import { inviteCreated, inviteRevoked, sessionRecovered } from './activity/activity-events.ts';
import { actorOf, audit } from './flows/audit.ts';
import { authorizeCaller } from './flows/authorize-caller.ts';
import { endSession } from './flows/end-session.ts';
import { createSession, joinSession } from './flows/join-session.ts';
import { leaveSession } from './flows/leave-session.ts';
import { changeRole, removeParticipant } from './flows/manage-participants.ts';
import { limitRate } from './runtime/rate-limit.ts';
import { route } from './runtime/route.ts';
import { invites, sessions } from './runtime/sessions.ts';

/** Routes about sessions, their participants and invites. */
export const handler = route(
  'session',
  {
    session_create: ({ operationId, metadata }, caller) => createSession(caller, operationId, metadata),

    session_join: ({ sessionId, invite }, caller) => joinSession(caller, sessionId, invite),

    async session_leave({ sessionId }, caller) {
      return { type: 'session_left', sessionId: await leaveSession(caller, sessionId) };
    },

    session_end: ({ sessionId, status }, caller) => endSession(caller, sessionId, status),

    async session_recover({ sessionId }, caller) {
      const { session, recovered } = await sessions().recoverSession(sessionId, caller.userId);
      if (recovered) await audit(sessionRecovered(actorOf(caller, session.id)));
      return { type: 'session_recovered', session };
    },

    async participants_list({ sessionId }, caller) {
      const { session } = await authorizeCaller(caller, sessionId, 'view', { evenEnded: true });
      const participants = await sessions().getParticipants(session.id);
      return { type: 'participants', sessionId: session.id, participants };
    },

    async participant_role({ sessionId, userId, role }, caller) {
      await changeRole(caller, sessionId, userId, role);
      return undefined;
    },

    async participant_remove({ sessionId, userId, reason }, caller) {
      await removeParticipant(caller, sessionId, userId, reason);
      return undefined;
    },

    async invite_create({ sessionId, ...terms }, caller) {
      const invite = await invites().createInvite(sessionId, caller.userId, terms);
      await audit(inviteCreated(actorOf(caller, invite.sessionId), invite.inviteId, terms.role));
      return { type: 'invite_created', ...invite };
    },

    async invite_revoke({ sessionId, inviteId }, caller) {
      const invite = await invites().revokeInvite(sessionId, caller.userId, inviteId);
      if (invite.revoked) await audit(inviteRevoked(actorOf(caller, invite.sessionId), inviteId));
      return undefined;
    },
  },
  { limit: limitRate },
);
