import type { ServerFrame, ServerFrameType } from '../../../protocol/frames.ts';
import type { BroadcastResult } from '../../delivery/broadcaster.ts';
import { cursorPosts } from '../../delivery/cursor-frames.ts';
import { diffFrames } from '../../delivery/diff-frames.ts';
import { isAway } from '../../platform/unavailable.ts';
import {
  type CursorBatch,
  type FailedPosts,
  hasNews,
  type PresenceOutcome,
  type Receiver,
} from '../../presence/outcome.ts';
import { isConnection } from '../../presence/seat.ts';
import type { Services } from '../../services/services.ts';
import { endGone, endGoneReceivers } from '../connections/end-gone.ts';
import { requestWatch } from '../scheduling/sweep-waker.ts';

/**
 * Sends what a script changed: the diff and the cursors that go out now, and at the end of the window what waits for it, if
 * this invocation is the flusher (rules DE2-DE4).
 */
export async function announce(services: Services, sessionId: string, outcome: PresenceOutcome): Promise<void> {
  show(services, sessionId, outcome);
  // Most frames only add to a window of which another invocation is the flusher.
  if (!hasNews(outcome) && !outcome.batch && !outcome.promise) return;
  await Promise.all([
    sendDiff(services, sessionId, outcome),
    outcome.batch && sendCursors(services, sessionId, outcome.batch),
    outcome.promise && keepPromise(services, sessionId, outcome.promise),
  ]);
}

/** Logs every change at `LOG_LEVEL=DEBUG`, also if nobody receives it. */
function show(services: Services, sessionId: string, { joins, updates, leaves }: PresenceOutcome): void {
  for (const { userId } of joins) services.log.debug(`[PresenceManager] User ${userId} joined session ${sessionId}`);
  for (const { userId, ...change } of updates) {
    services.log.debug(`[PresenceManager] User ${userId} changed in session ${sessionId}`, { change });
  }
  for (const { userId, cause } of leaves) {
    services.log.debug(`[PresenceManager] User ${userId} left session ${sessionId}: ${cause}`);
  }
}

/** The last line of a frame at `LOG_LEVEL=DEBUG`: to which connections it was posted, and what API Gateway answered. */
function showPosts(
  { log }: Services,
  sessionId: string,
  frame: ServerFrameType,
  receivers: readonly Receiver[],
  { delivered, gone, failed, throttled }: BroadcastResult,
): void {
  const connections = receivers.map(({ connectionId }) => connectionId);
  log.debug('A frame was posted', { sessionId, frame, connections, delivered, gone, failed, throttled });
}

async function sendDiff(services: Services, sessionId: string, outcome: PresenceOutcome): Promise<void> {
  if (!hasNews(outcome)) return;
  const { epoch, seq, parts, joins, updates, leaves } = outcome;
  const started = services.clock();
  // One after the other, so that the parts arrive in the order of their numbers.
  let throttled = 0;
  for (const frame of diffFrames({ sessionId, epoch, seq, joins, updates, leaves }, parts)) {
    const result = await post(services, outcome.receivers, frame);
    showPosts(services, sessionId, 'presence_diff', outcome.receivers, result);
    await endGoneReceivers(services, sessionId, outcome.receivers, result.gone);
    throttled += result.throttled;
  }
  services.metrics.note('deliveryLatency', services.clock() - started);
  if (throttled > 0) await noteFailures(services, sessionId, { isThrottled: true, movers: [] });
}

async function sendCursors(services: Services, sessionId: string, batch: CursorBatch): Promise<void> {
  const result = await services.broadcaster.post(cursorPosts(sessionId, batch), { kind: 'cursor' });
  measureCursors(services, batch);
  showPosts(services, sessionId, 'cursors', batch.receivers, result);
  await endGoneReceivers(services, sessionId, batch.receivers, result.gone);
  if (result.failed.length === 0) return;
  const movers = batch.cursors.map(({ userId }) => userId);
  await noteFailures(services, sessionId, { isThrottled: result.throttled > 0, movers });
}

/** How long the oldest cursor of a batch took to its last receiver, and the share of the cursors that needed no post of their own. */
function measureCursors({ metrics, clock }: Services, { cursors }: CursorBatch): void {
  metrics.note('deliveryLatency', clock() - Math.min(...cursors.map(({ at }) => at)));
  metrics.note('mergedShare', 100 * (1 - 1 / cursors.length));
}

/** Stores that posts failed. If that fails too, it does not matter to what was sent already. */
async function noteFailures(services: Services, sessionId: string, failed: FailedPosts): Promise<void> {
  try {
    await services.presence.store.noteFailedPosts(sessionId, failed, services.clock());
  } catch (error) {
    if (!isAway(error, 'redis')) throw error;
    services.log.warn('Failed posts could not be noted', { sessionId, error: error.cause as Error });
  }
}

/** The flusher waits for the end of the window here, because an execution environment is frozen after its answer. */
async function keepPromise(
  services: Services,
  sessionId: string,
  { endsAt, watch }: NonNullable<PresenceOutcome['promise']>,
): Promise<void> {
  const waited = new Promise((resolve) => setTimeout(resolve, Math.max(0, endsAt - services.clock())));
  await Promise.all([waited, watch && requestWatch(services, sessionId)]);
  await announce(services, sessionId, await services.presence.store.flush(sessionId, endsAt, services.clock()));
}

/** Sends a frame of state, and ends connections whose posts were answered with 410 (rule DE6). */
export async function send(services: Services, receivers: Receiver[], frame: ServerFrame): Promise<void> {
  const connected = receivers.filter(({ connectionId }) => isConnection(connectionId));
  await endGone(services, (await post(services, connected, frame)).gone);
}

function post(services: Services, receivers: Receiver[], frame: ServerFrame): Promise<BroadcastResult> {
  const connectionIds = receivers.map((receiver) => receiver.connectionId);
  return services.broadcaster.broadcast(connectionIds, frame, { kind: 'state' });
}
