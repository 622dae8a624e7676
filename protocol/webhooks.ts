/** What webhooks send. The page `docs/webhooks.md` explains it to receivers. */

/** The types of events that an endpoint may choose. */
export const webhookEventTypes = [
  'user.joined',
  'user.left',
  'session.created',
  'session.ended',
  'session.expired',
  'session.recovered',
] as const;
export type WebhookEventType = (typeof webhookEventTypes)[number];

/** The type of the event that an admin sends to try an endpoint. Every endpoint gets it. */
export const webhookTestType = 'webhook.test';

/**
 * The event type of each entry of the audit trail that is sent. The migration `0660-webhooks.sql` has the same table; a test
 * compares the two.
 */
export const eventTypeOfActivity: Readonly<Record<string, WebhookEventType>> = {
  user_joined: 'user.joined',
  user_left: 'user.left',
  user_timeout: 'user.left',
  session_created: 'session.created',
  session_ended: 'session.ended',
  session_expired: 'session.expired',
  session_recovered: 'session.recovered',
};

/** The states of a delivery: it waits for its next attempt, the receiver accepted it, or all attempts failed. */
export const webhookStates = ['pending', 'delivered', 'dead'] as const;
export type WebhookState = (typeof webhookStates)[number];

/** The body of a webhook, after the scheme of Standard Webhooks. */
export interface WebhookPayload {
  type: WebhookEventType | typeof webhookTestType;
  /** When it happened, ISO 8601 in UTC. */
  timestamp: string;
  data: {
    /** The UUID of the session. */
    sessionId?: string;
    /** The name of the session, `SESSION-…`. */
    session?: string;
    /** The key that the application gave the session. */
    key?: string;
    /** Who did it; absent if nobody did. */
    userId?: string;
    username?: string;
    /** More fields, by the type of the event. */
    [field: string]: unknown;
  };
}

/** The deliveries of an endpoint are counted up to this number. If there are more, the count is one more than this. */
export const mostCounted = 1000;

/** An endpoint as an admin sees it. The secret is shown only when it is made. */
export interface WebhookEndpoint {
  id: string;
  url: string;
  description: string;
  events: WebhookEventType[];
  /** Only events of this session, by its UUID. */
  sessionId?: string;
  /** Only events of sessions with this key, or whose key begins with the text before a final `*`. */
  key?: string;
  enabled: boolean;
  /** Why the service disabled it: the receiver answered 410, or no delivery succeeded for days. */
  disabledCause?: 'gone' | 'failing';
  /** Until when the previous secret signs as well, Unix milliseconds. */
  previousSecretUntil?: number;
  /** Since when no delivery succeeded, Unix milliseconds. */
  failingSince?: number;
  lastSuccessAt?: number;
  lastFailureAt?: number;
  /** Until when the receiver asked not to be called, Unix milliseconds. */
  pausedUntil?: number;
  createdAt: number;
  /** How many deliveries wait, and how many failed for good. A number above {@link mostCounted} means: more than that. */
  deliveries: { pending: number; dead: number };
}

/** One event for one endpoint. */
export interface WebhookDelivery {
  /** The `webhook-id`: the id of the entry in the audit trail. */
  eventId: string;
  type: string;
  state: WebhookState;
  attempts: number;
  queuedAt: number;
  /** When the next attempt is due; only while it is pending. */
  nextAttemptAt?: number;
  lastAttemptAt?: number;
  /** The HTTP status of the last answer. */
  status?: number;
  /** Why the last attempt failed. */
  error?: string;
  /** The beginning of the last answer. */
  response?: string;
}
