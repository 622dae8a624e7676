import { httpPageBytes, querySchemas, readQuery } from '../adapters/http/http-query.ts';
import { readBody } from '../adapters/http/read-body.ts';
import { bodySchemas } from '../adapters/http/server-bodies.ts';
import { serverRoute } from '../adapters/http/server-route.ts';
import { compose } from '../composition/compose.ts';
import { inviteKeys } from '../composition/invite-keys.ts';
import { keyRate } from '../composition/presence.ts';
import { seating } from '../composition/seating.ts';
import { serverKeys } from '../composition/server-keys.ts';
import { agentsOn, invitesOn, keysOn, sessionsOn } from '../composition/sessions.ts';
import { requireScope } from '../flows/programs/admit-program.ts';
import { changeByProgram } from '../flows/programs/change-by-program.ts';
import { endAgent } from '../flows/programs/end-agent.ts';
import { publishEvent } from '../flows/programs/publish-event.ts';
import { listForProgram, peopleOf, sessionFor, sessionOrPlace } from '../flows/programs/read-sessions.ts';
import { removeByProgram } from '../flows/programs/remove-by-program.ts';
import { setAgent } from '../flows/programs/set-agent.ts';
import { database } from '../platform/database.ts';
import { redis } from '../platform/redis.ts';
import type { Services } from '../services/services.ts';

/** The server API: what programs of the application do with a key. */
export const serverApi = (services: Services) =>
  serverRoute(
    {
      async 'GET /server/sessions'({ program, query }) {
        requireScope(program.key, 'sessions:read');
        const page = { ...readQuery(querySchemas.serverSessions, query), maxBytes: httpPageBytes };
        return { body: await listForProgram(services, program, page) };
      },

      async 'GET /server/sessions/{id}'({ program, id }) {
        requireScope(program.key, 'sessions:read');
        return { body: { session: await sessionFor(services, program, id, { evenEnded: true }) } };
      },

      async 'GET /server/sessions/{id}/people'({ program, id }) {
        requireScope(program.key, 'sessions:read');
        const session = await sessionFor(services, program, id, { evenEnded: true });
        return { body: { sessionId: session.id, people: await peopleOf(services, session) } };
      },

      async 'POST /server/sessions/{id}/events'({ program, id, body, idempotencyKey }) {
        requireScope(program.key, 'broadcast');
        const event = readBody(bodySchemas.event, body, { sessionId: id });
        if (event.agent !== undefined) requireScope(program.key, 'agents');
        const session = await sessionFor(services, program, id);
        return { body: await publishEvent(services, program, session, event, idempotencyKey) };
      },

      async 'DELETE /server/sessions/{id}/people/{userId}'({ program, id, userId, query }) {
        return changeByProgram(services, program, 'remove', id, async () => {
          const removal = readBody(bodySchemas.removal, '', {
            sessionId: id,
            userId,
            ...readQuery(querySchemas.removal, query),
          });
          const session = await sessionFor(services, program, id, { evenEnded: true });
          return { body: { removed: await removeByProgram(services, program, session, userId, removal.reason) } };
        });
      },

      async 'PUT /server/sessions/{id}/agents/{agentId}'({ program, id, agentId, body }) {
        return changeByProgram(services, program, 'agents', id, async () => {
          readBody(bodySchemas.agentId, '', { agentId });
          const request = readBody(bodySchemas.agent, body, { sessionId: id });
          const session = await sessionOrPlace(services, program, id);
          return { body: { agent: await setAgent(services, program, session, agentId, request) } };
        });
      },

      async 'DELETE /server/sessions/{id}/agents/{agentId}'({ program, id, agentId }) {
        return changeByProgram(services, program, 'agents', id, async () => {
          readBody(bodySchemas.agentId, '', { agentId });
          const session = await sessionOrPlace(services, program, id, { evenEnded: true });
          return { body: { ended: await endAgent(services, program, session, agentId) } };
        });
      },
    },
    services,
  );

export const parts = {
  ...seating,
  ...{
    serverKeys,
    keyRate,
    sessionsOn: () => sessionsOn,
    keysOn: () => keysOn,
    invitesOn: () => invitesOn,
    inviteKeys,
  },
  ...{ agentsOn: () => agentsOn, database, redis },
};
export const handler = serverApi(compose(parts));
