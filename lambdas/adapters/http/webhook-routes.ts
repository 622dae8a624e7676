import { RollcallError } from '../../../protocol/errors.ts';
import { isUuid } from '../../../protocol/uuid.ts';
import { requireAdmin } from '../../flows/callers/require-admin.ts';
import {
  addEndpoint,
  changeEndpoint,
  listDeliveries,
  type ManagingParts,
  readEndpoint,
  removeEndpoint,
  replayEvents,
  rotateSecret,
  testEndpoint,
} from '../../flows/webhooks/manage-endpoints.ts';
import type { Services } from '../../services/services.ts';
import { decodePosition, encodePosition } from '../../webhooks/list-position.ts';
import type { HttpAnswer, HttpHandlers } from './http-adapter.ts';
import { readQuery } from './http-query.ts';
import type { HttpRequest } from './http-route.ts';
import { nextHeaders } from './next-headers.ts';
import { readBody } from './read-body.ts';
import { webhookBodies, webhookQuery } from './webhook-input.ts';

const defaultDeliveries = 50;
const defaultOverlapSeconds = 86_400;

/** The routes of admins for the endpoints of webhooks (rule WH7). */
export const webhookRoutes = (services: Services, parts: () => ManagingParts): HttpHandlers<HttpRequest> =>
  forAdmins({
    async 'GET /webhooks'() {
      return { body: { items: await parts().endpoints.list() } };
    },

    async 'POST /webhooks'({ body }) {
      return { status: 201, body: await addEndpoint(services, parts(), readBody(webhookBodies.add, body)) };
    },

    async 'GET /webhooks/{id}'({ id }) {
      return { body: { endpoint: await readEndpoint(parts(), checked(id)) } };
    },

    async 'PATCH /webhooks/{id}'({ id, body }) {
      const change = readBody(webhookBodies.change, body);
      return { body: { endpoint: await changeEndpoint(services, parts(), checked(id), change) } };
    },

    async 'DELETE /webhooks/{id}'({ id }) {
      await removeEndpoint(parts(), checked(id));
      return { body: { removed: true } };
    },

    async 'POST /webhooks/{id}/rotate'({ id, body }) {
      const { overlapSeconds = defaultOverlapSeconds } = readBody(webhookBodies.rotate, body);
      return { body: await rotateSecret(parts(), checked(id), overlapSeconds) };
    },

    async 'POST /webhooks/{id}/test'({ id }) {
      return { status: 202, body: await testEndpoint(services, parts(), checked(id)) };
    },

    async 'POST /webhooks/{id}/replay'({ id, body }) {
      const asked = readBody(webhookBodies.replay, body);
      const after = 'after' in asked && asked.after !== undefined ? decodePosition(asked.after) : undefined;
      const { queued, next } = await replayEvents(services, parts(), checked(id), { ...asked, after });
      return { status: 202, body: { queued, ...(next ? { next: encodePosition(next) } : {}) } };
    },

    async 'GET /webhooks/{id}/deliveries'({ id, query }) {
      const { state, before, limit = defaultDeliveries } = readQuery(webhookQuery, query);
      const asked = { state, limit, before: before === undefined ? undefined : decodePosition(before) };
      const { items, next } = await listDeliveries(services, parts(), checked(id), asked);
      const cursor = next && encodePosition(next);
      const headers = nextHeaders(`/webhooks/${id}/deliveries`, query, cursor);
      return { headers, body: { items, ...(cursor === undefined ? {} : { next: cursor }) } };
    },
  });

function forAdmins(handlers: HttpHandlers<HttpRequest>): HttpHandlers<HttpRequest> {
  const guarded = Object.entries(handlers).map(([route, handle]) => [
    route,
    async (request: HttpRequest): Promise<HttpAnswer> => {
      requireAdmin(request.scopes);
      return handle(request);
    },
  ]);
  return Object.fromEntries(guarded) as HttpHandlers<HttpRequest>;
}

/** @throws RollcallError for a text that cannot be the id of an endpoint. */
function checked(id: string): string {
  if (isUuid(id)) return id;
  throw new RollcallError('WEBHOOK_NOT_FOUND', 'The id of an endpoint is a UUID. List the endpoints to find it.');
}
