import type { ServerFrame } from '../../../protocol/frames.ts';
import type { BroadcastResult } from '../../delivery/broadcaster.ts';
import { cursorPosts } from '../../delivery/cursor-frames.ts';
import { diffFrames } from '../../delivery/diff-frames.ts';
import { log } from '../../platform/log.ts';
import { isAway } from '../../platform/unavailable.ts';
import { type CursorBatch, hasNews, type PresenceOutcome, type Receiver } from '../../presence/outcome.ts';
import { broadcaster } from '../../services/delivery.ts';
import { presence } from '../../services/presence.ts';
import { endGone, endGoneReceivers } from '../connections/end-gone.ts';
import { expectWatch } from '../scheduling/sweep-waker.ts';

/**
 * Tells a session what a script changed: the diff and the cursors that go out now, and at the end of the window what
 * waits for it, where this invocation promised to send that (rules DE2-DE4).
 */
export async function announce(sessionId: string, outcome: PresenceOutcome): Promise<void> {
  show(sessionId, outcome);
  // Of most frames nobody hears before the end of a window that somebody else has promised to send.
  if (!hasNews(outcome) && !outcome.batch && !outcome.promise) return;
  await Promise.all([
    sendDiff(sessionId, outcome),
    outcome.batch && sendCursors(sessionId, outcome.batch),
    outcome.promise && keepPromise(sessionId, outcome.promise),
  ]);
}

/** Shows every change at `LOG_LEVEL=DEBUG`, also where nobody is there to hear of it. */
function show(sessionId: string, { joins, updates, leaves }: PresenceOutcome): void {
  for (const { userId } of joins) log.debug(`[PresenceManager] User ${userId} joined session ${sessionId}`);
  for (const { userId, ...change } of updates) {
    log.debug(`[PresenceManager] User ${userId} changed in session ${sessionId}`, { change });
  }
  for (const { userId, cause } of leaves) {
    log.debug(`[PresenceManager] User ${userId} left session ${sessionId}: ${cause}`);
  }
}

async function sendDiff(sessionId: string, outcome: PresenceOutcome): Promise<void> {
  if (!hasNews(outcome)) return;
  const { epoch, seq, parts, joins, updates, leaves } = outcome;
  // One after another, so that the parts arrive in the order of their numbers.
  let throttled = 0;
  for (const frame of diffFrames({ sessionId, epoch, seq, joins, updates, leaves }, parts)) {
    const result = await post(outcome.receivers, frame);
    await endGoneReceivers(sessionId, outcome.receivers, result.gone);
    throttled += result.throttled;
  }
  if (throttled > 0) await slowDown(sessionId);
}

async function sendCursors(sessionId: string, batch: CursorBatch): Promise<void> {
  const result = await broadcaster().post(cursorPosts(sessionId, batch), { kind: 'cursor' });
  await endGoneReceivers(sessionId, batch.receivers, result.gone);
  if (result.throttled > 0) await slowDown(sessionId);
}

/** Longer windows for a session whose posts are throttled. What was sent is sent, whatever becomes of this. */
async function slowDown(sessionId: string): Promise<void> {
  try {
    await presence().store.stretch(sessionId, Date.now());
  } catch (error) {
    if (!isAway(error, 'redis')) throw error;
    log.warn('Windows could not be made longer', { sessionId, error: error.cause as Error });
  }
}

/** An execution environment is frozen after its answer, so the flusher waits here for the end of its window. */
async function keepPromise(
  sessionId: string,
  { endsAt, watch }: NonNullable<PresenceOutcome['promise']>,
): Promise<void> {
  const waited = new Promise((resolve) => setTimeout(resolve, Math.max(0, endsAt - Date.now())));
  await Promise.all([waited, watch && expectWatch(sessionId)]);
  await announce(sessionId, await presence().store.flush(sessionId, endsAt, Date.now()));
}

/** Sends a frame of state and takes the connections that answered 410 out of everything they joined (rule DE6). */
export async function send(receivers: Receiver[], frame: ServerFrame): Promise<void> {
  await endGone((await post(receivers, frame)).gone);
}

function post(receivers: Receiver[], frame: ServerFrame): Promise<BroadcastResult> {
  const connectionIds = receivers.map((receiver) => receiver.connectionId);
  return broadcaster().broadcast(connectionIds, frame, { kind: 'state' });
}
