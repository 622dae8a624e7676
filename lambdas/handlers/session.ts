import { route } from '../adapters/route.ts';
import { services as composed } from '../composition/services.ts';
import { authorizeCaller } from '../flows/callers/authorize-caller.ts';
import { sendParts } from '../flows/callers/send-parts.ts';
import { noticeFrame } from '../flows/connections/notice-frame.ts';
import { limitRate } from '../flows/connections/rate-limit.ts';
import { watchFigures } from '../flows/figures/watch-figures.ts';
import { createSession, joinSession } from '../flows/joining/join-session.ts';
import { openSession } from '../flows/joining/open-session.ts';
import { leaveSession } from '../flows/leaving/leave-session.ts';
import { endSession } from '../flows/sessions/end-session.ts';
import { createInvite, revokeInvite } from '../flows/sessions/manage-invites.ts';
import { changeRole, removeParticipant } from '../flows/sessions/manage-participants.ts';
import { recoverSession } from '../flows/sessions/recover-session.ts';
import { turnOf } from '../platform/turn.ts';
import type { Services } from '../services/services.ts';

/** Routes about sessions, their participants and invites. */
export const sessionRoute = (services: Services) =>
  route(
    'session',
    {
      session_create: ({ operationId, metadata, data }, caller) =>
        createSession(services, caller, operationId, metadata, { data }),

      session_join: ({ sessionId, invite, guest, order, ...ownState }, caller) =>
        joinSession(services, caller, sessionId, invite, { guest, ownState, turn: turnOf(caller, order) }),

      session_open: ({ requestId: _, order, ...request }, caller) =>
        openSession(services, caller, request, turnOf(caller, order)),

      session_leave: ({ sessionId, order }, caller) => leaveSession(services, caller, sessionId, turnOf(caller, order)),

      session_end: ({ sessionId, status }, caller) => endSession(services, caller, sessionId, status),

      async session_recover({ sessionId }, caller) {
        return { type: 'session_recovered', session: await recoverSession(services, caller, sessionId) };
      },

      async participants_list({ sessionId }, caller) {
        const { session } = await authorizeCaller(services, caller, sessionId, 'view', { evenEnded: true });
        const participants = await services.sessions.getParticipants(session.id);
        return sendParts(services, caller, participants, (some, part) => ({
          type: 'participants',
          sessionId: session.id,
          participants: some,
          ...part,
        }));
      },

      async participant_role({ sessionId, userId, role }, caller) {
        await changeRole(services, caller, sessionId, userId, role);
        return undefined;
      },

      async participant_remove({ sessionId, userId, reason }, caller) {
        await removeParticipant(services, caller, sessionId, userId, reason);
        return undefined;
      },

      async invite_create({ sessionId, ...terms }, caller) {
        return { type: 'invite_created', ...(await createInvite(services, caller, sessionId, terms)) };
      },

      async invite_revoke({ sessionId, inviteId }, caller) {
        await revokeInvite(services, caller, sessionId, inviteId);
        return undefined;
      },

      figures_watch: (_, caller) => watchFigures(services, caller),
    },
    {
      log: services.log,
      metrics: services.metrics,
      limit: (connectionId) => limitRate(services, connectionId),
      notice: (caller, message) => noticeFrame(services, caller, message),
    },
  );

export const handler = sessionRoute(composed);
