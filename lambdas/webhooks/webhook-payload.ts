import { eventTypeOfActivity, type WebhookPayload, webhookTestType } from '../../protocol/webhooks.ts';

/** The entry of the audit trail behind an event, with its session. */
export interface EventSource {
  activityType: string;
  /** Unix milliseconds. */
  createdAt: number;
  sessionId: string;
  session: string | null;
  key: string | null;
  userId: string | null;
  username: string | null;
  details: Record<string, unknown>;
}

/**
 * The body for an event. It depends only on what never changes, so each attempt sends the same bytes.
 *
 * @throws Error for an entry that is no event.
 */
export function webhookBody(source: EventSource): string {
  const type = eventTypeOfActivity[source.activityType];
  if (!type) throw new Error(`An entry of the type ${source.activityType} is no event.`);
  const { sessionId, session, key, userId, username } = source;
  const known = { sessionId, session, key, userId, username };
  const given = Object.fromEntries(Object.entries(known).filter(([, value]) => value !== null));
  return bodyOf({
    type,
    timestamp: new Date(source.createdAt).toISOString(),
    data: { ...given, ...detailsOf(source) },
  });
}

/** The body of a test. @param queuedAt Unix milliseconds. */
export function testBody(queuedAt: number): string {
  const message = 'This is a test. Nothing happened in a session.';
  return bodyOf({ type: webhookTestType, timestamp: new Date(queuedAt).toISOString(), data: { message } });
}

/** A timeout is a leave like others, so its cause has the same name as in the frames. */
function detailsOf({ activityType, details }: EventSource): Record<string, unknown> {
  if (activityType !== 'user_timeout') return details;
  const { reason: _, ...rest } = details;
  return { cause: 'timeout', ...rest };
}

function bodyOf(payload: WebhookPayload): string {
  return JSON.stringify(payload);
}
