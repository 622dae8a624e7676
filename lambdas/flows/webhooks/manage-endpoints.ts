import { RollcallError } from '../../../protocol/errors.ts';
import type { WebhookDelivery, WebhookEndpoint, WebhookState } from '../../../protocol/webhooks.ts';
import type { Services } from '../../services/services.ts';
import {
  type EndpointChange,
  type EndpointInput,
  type EndpointStore,
  mostEndpoints,
  type ShownSecret,
} from '../../webhooks/endpoint-store.ts';
import type { Position, Replayed } from '../../webhooks/webhook-queue.ts';
import { targetProblem } from '../../webhooks/webhook-target.ts';
import { startWebhookSweep } from './start-webhook-sweep.ts';

/** What only the HTTP API uses. */
export interface ManagingParts {
  endpoints: EndpointStore;
  /** Whether HTTP and private addresses are accepted, for development on one machine. */
  anyTarget: boolean;
}

/** One request queues at most this many events. The rest follows with the next request. */
const replayedAtOnce = 1000;

/** @param session the UUID or the name of the only session. */
export type EndpointRequest = Omit<EndpointInput, 'sessionId'> & { session?: string | undefined };

/**
 * Adds an endpoint. The answer is the only one with its secret.
 *
 * @throws RollcallError INVALID_MESSAGE for a refused address or too many endpoints, SESSION_NOT_FOUND for an unknown session.
 */
export async function addEndpoint(
  services: Services,
  { endpoints, anyTarget }: ManagingParts,
  { session, ...input }: EndpointRequest,
): Promise<ShownSecret> {
  checkTarget(input.url, anyTarget);
  const sessionId = session === undefined ? undefined : (await services.sessions.getSession(session)).id;
  const added = await endpoints.add({ ...input, sessionId });
  if (added) return added;
  throw new RollcallError('INVALID_MESSAGE', `There are ${mostEndpoints} endpoints already. Remove one first.`);
}

/** Changes an endpoint. @throws RollcallError WEBHOOK_NOT_FOUND, INVALID_MESSAGE for a refused address. */
export async function changeEndpoint(
  services: Services,
  { endpoints, anyTarget }: ManagingParts,
  id: string,
  change: EndpointChange,
): Promise<WebhookEndpoint> {
  if (change.url !== undefined) checkTarget(change.url, anyTarget);
  const changed = found(await endpoints.change(id, change));
  if (change.enabled) await startWebhookSweep(services);
  return changed;
}

/** One endpoint. @throws RollcallError WEBHOOK_NOT_FOUND. */
export async function readEndpoint({ endpoints }: ManagingParts, id: string): Promise<WebhookEndpoint> {
  return found(await endpoints.find(id));
}

/** Whether an endpoint is enabled. @throws RollcallError WEBHOOK_NOT_FOUND. */
async function isEnabled({ endpoints }: ManagingParts, id: string): Promise<boolean> {
  return found(await endpoints.isEnabled(id));
}

/** Deletes an endpoint with its deliveries. @throws RollcallError WEBHOOK_NOT_FOUND. */
export async function removeEndpoint({ endpoints }: ManagingParts, id: string): Promise<void> {
  if (!(await endpoints.remove(id))) throw notFound();
}

/** Gives an endpoint another secret. During the overlap the previous one signs too. @throws RollcallError WEBHOOK_NOT_FOUND. */
export async function rotateSecret(
  { endpoints }: ManagingParts,
  id: string,
  overlapSeconds: number,
): Promise<ShownSecret> {
  return found(await endpoints.rotate(id, overlapSeconds * 1000));
}

/** Sends a test event. @throws RollcallError WEBHOOK_NOT_FOUND, INVALID_MESSAGE if the endpoint is disabled. */
export async function testEndpoint(services: Services, parts: ManagingParts, id: string): Promise<{ eventId: string }> {
  if (!(await isEnabled(parts, id)))
    throw new RollcallError('INVALID_MESSAGE', 'The endpoint is disabled. Enable it before the test.');
  const eventId = found(await services.webhookQueue.queueTest(id, services.clock()));
  await startWebhookSweep(services);
  return { eventId };
}

/** What to send once more: one event, all dead letters, or all events of a period. */
export type ReplayRequest =
  | { eventId: string }
  | { dead: true; after?: Position | undefined }
  | { from: number; to?: number | undefined; after?: Position | undefined };

/**
 * Sends events once more, with their ids as before.
 *
 * @returns how many were queued; `next` if there are more, to be sent as `after`.
 * @throws RollcallError WEBHOOK_NOT_FOUND.
 */
export async function replayEvents(
  services: Services,
  parts: ManagingParts,
  id: string,
  asked: ReplayRequest,
): Promise<Replayed> {
  await isEnabled(parts, id);
  const queue = services.webhookQueue;
  const now = services.clock();
  const replay = async () => {
    if ('eventId' in asked) return { queued: await queue.replayOne(id, asked.eventId, now) };
    const limit = replayedAtOnce;
    if ('dead' in asked) return queue.replayDead(id, { after: asked.after, limit }, now);
    return queue.replayPeriod(id, { ...asked, to: asked.to ?? now, limit }, now);
  };
  const replayed = await replay();
  if (replayed.queued > 0) await startWebhookSweep(services);
  return replayed;
}

/** A page of the deliveries of an endpoint, the newest first. @throws RollcallError WEBHOOK_NOT_FOUND. */
export async function listDeliveries(
  services: Services,
  parts: ManagingParts,
  id: string,
  { state, before, limit }: { state?: WebhookState | undefined; before?: Position | undefined; limit: number },
): Promise<{ items: WebhookDelivery[]; next?: Position }> {
  await isEnabled(parts, id);
  const read = await services.webhookQueue.deliveries(id, { state, before, limit: limit + 1 });
  const items = read.slice(0, limit);
  const last = items.at(-1);
  return read.length <= limit || !last ? { items } : { items, next: { at: last.queuedAt, id: last.eventId } };
}

function checkTarget(url: string, anyTarget: boolean): void {
  const problem = targetProblem(url, anyTarget);
  if (problem) throw new RollcallError('INVALID_MESSAGE', `The URL of an endpoint ${problem}.`);
}

function found<T>(value: T | undefined): T {
  if (value === undefined) throw notFound();
  return value;
}

const notFound = () =>
  new RollcallError('WEBHOOK_NOT_FOUND', 'There is no endpoint with this id. List the endpoints to find it.');
