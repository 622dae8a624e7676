import { exportKeyPage, exportPage } from '../adapters/http/export-activity.ts';
import { httpPageBytes, querySchemas, readQuery } from '../adapters/http/http-query.ts';
import { httpRoute } from '../adapters/http/http-route.ts';
import { asSeenBy, authorizeAudit } from '../flows/activity/read-activity.ts';
import { checkHealth } from '../flows/reports/health.ts';
import { serviceStatistics } from '../flows/reports/service-statistics.ts';
import { activityReports } from '../services/activity.ts';
import { sessionKeys, sessions } from '../services/sessions.ts';

/** The HTTP API: what can be read without a socket. */
export const handler = httpRoute(
  {
    async 'GET /health'() {
      const health = await checkHealth();
      return { status: health.status === 'ok' ? 200 : 503, body: health };
    },

    async 'GET /sessions'({ userId, query }) {
      const page = { ...readQuery(querySchemas.page, query), maxBytes: httpPageBytes };
      return { body: await sessions().listSessionsOf(userId, page) };
    },

    async 'GET /sessions/{id}'({ id, userId }) {
      const { session } = await sessions().authorize(id, userId, 'view', { evenEnded: true });
      return { body: { session } };
    },

    async 'GET /sessions/{id}/participants'({ id, userId }) {
      const { session } = await sessions().authorize(id, userId, 'view', { evenEnded: true });
      return { body: { sessionId: session.id, participants: await sessions().getParticipants(session.id) } };
    },

    async 'GET /sessions/{id}/activity'({ id, userId, query }) {
      const session = await authorizeAudit({ userId }, id);
      return exportPage(session.id, `/sessions/${session.id}/activity`, query, asSeenBy(userId, session));
    },

    async 'GET /sessions/{id}/statistics'({ id, userId }) {
      const session = await authorizeAudit({ userId }, id);
      return { body: await activityReports().getActivityStatistics(session.id) };
    },

    async 'GET /sessions/{id}/presence'({ id, userId, query }) {
      const session = await authorizeAudit({ userId }, id);
      const { at } = readQuery(querySchemas.moment, query);
      return { body: { sessionId: session.id, at, stays: await activityReports().whoWasHere(session.id, at) } };
    },

    async 'GET /keys/{key}/sessions'({ key, userId, query }) {
      const page = { ...readQuery(querySchemas.page, query), maxBytes: httpPageBytes };
      return { body: await sessionKeys().list(key, userId, page) };
    },

    async 'GET /keys/{key}/activity'({ key, userId, query }) {
      return exportKeyPage(key, userId, query);
    },

    async 'GET /stats'({ scopes }) {
      return { body: await serviceStatistics(scopes) };
    },
  },
  ['GET /health'],
);
