import { exportKeyPage, exportPage } from '../adapters/http/export-activity.ts';
import { exportAnalytics } from '../adapters/http/export-analytics.ts';
import { exportAttendance } from '../adapters/http/export-attendance.ts';
import { httpPageBytes, querySchemas, readQuery } from '../adapters/http/http-query.ts';
import { httpRoute } from '../adapters/http/http-route.ts';
import { readBody } from '../adapters/http/read-body.ts';
import { bodySchemas } from '../adapters/http/server-bodies.ts';
import { webhookRoutes } from '../adapters/http/webhook-routes.ts';
import { activityReader, activityReports } from '../composition/activity.ts';
import { analytics } from '../composition/analytics.ts';
import { checkpoints } from '../composition/checkpoints.ts';
import { compose } from '../composition/compose.ts';
import { figures } from '../composition/figures.ts';
import { startFunction } from '../composition/functions.ts';
import { deadlines } from '../composition/presence.ts';
import { registry } from '../composition/registry.ts';
import { serverKeys } from '../composition/server-keys.ts';
import { sessionKeys, sessions } from '../composition/sessions.ts';
import { standard } from '../composition/standard.ts';
import { webhookEndpoints } from '../composition/webhook-endpoints.ts';
import { webhookQueue } from '../composition/webhook-queue.ts';
import { webhookSweepFunction } from '../composition/webhook-sweep-function.ts';
import { asSeenBy, authorizeAudit, authorizeTrail } from '../flows/activity/read-activity.ts';
import { authorizeCaller } from '../flows/callers/authorize-caller.ts';
import { requireAdmin } from '../flows/callers/require-admin.ts';
import { createKey, revokeKey } from '../flows/programs/manage-keys.ts';
import { checkHealth } from '../flows/reports/health.ts';
import { figureSeries, liveSessionPage, liveSessionReport } from '../flows/reports/service-reports.ts';
import { serviceStatistics } from '../flows/reports/service-statistics.ts';
import type { ManagingParts } from '../flows/webhooks/manage-endpoints.ts';
import { database } from '../platform/database.ts';
import { redis } from '../platform/redis.ts';
import type { Services } from '../services/services.ts';

/** The HTTP API: what can be read without a WebSocket, and the endpoints of webhooks. */
export const httpApi = (services: Services, webhooks: () => ManagingParts) =>
  httpRoute(
    {
      async 'GET /health'() {
        const health = await checkHealth(services);
        return { status: health.status === 'ok' ? 200 : 503, body: health };
      },

      async 'GET /sessions'({ query, ...asker }) {
        const page = { ...readQuery(querySchemas.page, query), maxBytes: httpPageBytes };
        return { body: await services.sessions.listSessionsOf(asker, page) };
      },

      async 'GET /sessions/{id}'({ id, ...asker }) {
        const { session } = await authorizeCaller(services, asker, id, 'view', { evenEnded: true });
        return { body: { session } };
      },

      async 'GET /sessions/{id}/participants'({ id, ...asker }) {
        const { session } = await authorizeCaller(services, asker, id, 'view', { evenEnded: true });
        return { body: { sessionId: session.id, participants: await services.sessions.getParticipants(session.id) } };
      },

      async 'GET /sessions/{id}/activity'({ id, query, ...asker }) {
        const session = await authorizeTrail(services, asker, id);
        const show = asSeenBy(asker.userId, session);
        return exportPage(services, session.id, `/sessions/${session.id}/activity`, query, show);
      },

      async 'GET /sessions/{id}/statistics'({ id, ...asker }) {
        const session = await authorizeAudit(services, asker, id);
        return { body: await services.activityReports.getActivityStatistics(session.id) };
      },

      async 'GET /sessions/{id}/presence'({ id, query, ...asker }) {
        const session = await authorizeAudit(services, asker, id);
        const { at } = readQuery(querySchemas.moment, query);
        return {
          body: { sessionId: session.id, at, stays: await services.activityReports.whoWasHere(session.id, at) },
        };
      },

      async 'GET /sessions/{id}/attendance'({ id, query, ...asker }) {
        const session = await authorizeAudit(services, asker, id);
        return exportAttendance(services, session.id, query);
      },

      async 'GET /sessions/{id}/checkpoints'({ id, query, ...asker }) {
        const session = await authorizeTrail(services, asker, id);
        const page = readQuery(querySchemas.checkpoints, query);
        return { body: { sessionId: session.id, ...(await services.checkpoints.proofs(session.id, page)) } };
      },

      async 'GET /checkpoints'({ query }) {
        return { body: await services.checkpoints.checkpoints(readQuery(querySchemas.checkpoints, query)) };
      },

      async 'GET /keys/{key}/sessions'({ key, query, ...asker }) {
        const page = { ...readQuery(querySchemas.page, query), maxBytes: httpPageBytes };
        return { body: await services.sessionKeys.list(key, asker, page) };
      },

      async 'GET /keys/{key}/activity'({ key, query, ...asker }) {
        return exportKeyPage(services, key, asker, query);
      },

      async 'GET /service/figures'({ query, scopes }) {
        requireAdmin(scopes);
        return { body: await figureSeries(services, readQuery(querySchemas.figures, query)) };
      },

      async 'GET /service/sessions'({ query, scopes }) {
        requireAdmin(scopes);
        const { limit = 50, ...asked } = readQuery(querySchemas.liveSessions, query);
        return { body: await liveSessionPage(services, { ...asked, limit }) };
      },

      async 'GET /service/sessions/{id}'({ id, query, scopes }) {
        requireAdmin(scopes);
        return { body: await liveSessionReport(services, id, readQuery(querySchemas.liveSession, query).at) };
      },

      async 'GET /service/keys'({ scopes }) {
        requireAdmin(scopes);
        return { body: { keys: await services.serverKeys.list() } };
      },

      async 'POST /service/keys'({ scopes, userId, body }) {
        requireAdmin(scopes);
        return { status: 201, body: await createKey(services, userId, readBody(bodySchemas.key, body)) };
      },

      async 'DELETE /service/keys/{id}'({ scopes, userId, id }) {
        requireAdmin(scopes);
        return { body: { key: await revokeKey(services, userId, id) } };
      },

      async 'GET /analytics/usage'(request) {
        return exportAnalytics(services, 'usage', request);
      },

      async 'GET /analytics/people'(request) {
        return exportAnalytics(services, 'people', request);
      },

      async 'GET /analytics/leaves'(request) {
        return exportAnalytics(services, 'leaves', request);
      },

      async 'GET /analytics/activities'(request) {
        return exportAnalytics(services, 'activities', request);
      },

      async 'GET /analytics/lengths'(request) {
        return exportAnalytics(services, 'lengths', request);
      },

      async 'GET /analytics/sessions'(request) {
        return exportAnalytics(services, 'sessions', request);
      },

      ...webhookRoutes(services, webhooks),

      async 'GET /stats'({ scopes }) {
        return { body: await serviceStatistics(services, scopes) };
      },
    },
    ['GET /health'],
    services,
  );

export const parts = {
  ...{ ...standard, sessions, sessionKeys, registry, deadlines, activityReader, activityReports },
  ...{ analytics, figures, checkpoints, database, redis, serverKeys },
  ...{ webhookQueue, webhookSweepFunction, startFunction: () => startFunction },
};
export const handler = httpApi(compose(parts), webhookEndpoints);
