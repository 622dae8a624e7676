import type { Cursor } from '../../protocol/entities.ts';
import type { ServerFrame } from '../../protocol/frames.ts';
import { hasNews, type PresenceOutcome, type Receiver } from '../presence/outcome.ts';
import { broadcaster } from '../runtime/delivery.ts';
import { timings } from '../runtime/timings.ts';
import { endConnection } from './end-connection.ts';

/** Tells a session what changed in it. Connections that turn out to have ended are taken out. */
export async function announceChanges(sessionId: string, outcome: PresenceOutcome): Promise<void> {
  if (!hasNews(outcome)) return;
  const { epoch, seq, joins, updates, leaves } = outcome;
  await send(outcome.receivers, { type: 'presence_diff', sessionId, epoch, seq, joins, updates, leaves }, 'state');
}

/** Shows a cursor to those who may see it; never retried, the next one replaces it. */
export async function announceCursor(
  sessionId: string,
  userId: string,
  cursor: Cursor,
  receivers: Receiver[],
): Promise<void> {
  const frame: ServerFrame = { type: 'cursors', sessionId, cursors: [{ userId, cursor, at: Date.now() }] };
  await send(receivers, frame, 'cursor');
}

/** Sends a frame and takes the connections that answered 410 out of everything they joined (rule DE6). */
export async function send(receivers: Receiver[], frame: ServerFrame, kind: 'state' | 'cursor'): Promise<void> {
  const connectionIds = receivers.map((receiver) => receiver.connectionId);
  const { gone } = await broadcaster().broadcast(connectionIds, frame, { kind });
  await Promise.all(gone.map((connectionId) => endConnection(connectionId, 'gone', timings.graceMillis)));
}
