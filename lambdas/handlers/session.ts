import { route } from '../adapters/route.ts';
import { authorizeCaller } from '../flows/callers/authorize-caller.ts';
import { sendParts } from '../flows/callers/send-parts.ts';
import { noticeFrame } from '../flows/connections/notice-frame.ts';
import { limitRate } from '../flows/connections/rate-limit.ts';
import { createSession, joinSession } from '../flows/joining/join-session.ts';
import { openSession } from '../flows/joining/open-session.ts';
import { leaveSession } from '../flows/leaving/leave-session.ts';
import { endSession } from '../flows/sessions/end-session.ts';
import { createInvite, revokeInvite } from '../flows/sessions/manage-invites.ts';
import { changeRole, removeParticipant } from '../flows/sessions/manage-participants.ts';
import { recoverSession } from '../flows/sessions/recover-session.ts';
import { turnOf } from '../platform/turn.ts';
import { sessions } from '../services/sessions.ts';

/** Routes about sessions, their participants and invites. */
export const handler = route(
  'session',
  {
    session_create: ({ operationId, metadata, data }, caller) => createSession(caller, operationId, metadata, { data }),

    session_join: ({ sessionId, invite, order, ...said }, caller) =>
      joinSession(caller, sessionId, invite, { said, turn: turnOf(caller, order) }),

    session_open: ({ requestId: _, order, ...request }, caller) => openSession(caller, request, turnOf(caller, order)),

    session_leave: ({ sessionId, order }, caller) => leaveSession(caller, sessionId, turnOf(caller, order)),

    session_end: ({ sessionId, status }, caller) => endSession(caller, sessionId, status),

    async session_recover({ sessionId }, caller) {
      return { type: 'session_recovered', session: await recoverSession(caller, sessionId) };
    },

    async participants_list({ sessionId }, caller) {
      const { session } = await authorizeCaller(caller, sessionId, 'view', { evenEnded: true });
      const participants = await sessions().getParticipants(session.id);
      return sendParts(caller, participants, (some, part) => ({
        type: 'participants',
        sessionId: session.id,
        participants: some,
        ...part,
      }));
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
      return { type: 'invite_created', ...(await createInvite(caller, sessionId, terms)) };
    },

    async invite_revoke({ sessionId, inviteId }, caller) {
      await revokeInvite(caller, sessionId, inviteId);
      return undefined;
    },
  },
  { limit: limitRate, notice: noticeFrame },
);
