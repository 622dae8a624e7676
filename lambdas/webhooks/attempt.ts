/** A signed request that the sender posts as it is. */
export interface WebhookRequest {
  eventId: string;
  url: string;
  headers: Record<string, string>;
  body: string;
}

/**
 * Why an attempt failed:
 *
 * - `status`: the receiver answered with another status than 2xx.
 * - `redirect`: it answered with a redirect, which is not followed.
 * - `timeout`: it did not answer in time.
 * - `address`: its name leads to an address that is not public.
 * - `name`: its name is not known.
 * - `tls`: its certificate is not valid, or it does not speak TLS.
 * - `connection`: there was no connection, or it broke.
 * - `entry_removed`: the audit trail no longer has the entry, so there is nothing to send.
 * - `entry_invalid`: the entry was changed so that it is no event.
 */
export type AttemptError =
  | 'status'
  | 'redirect'
  | 'timeout'
  | 'address'
  | 'name'
  | 'tls'
  | 'connection'
  | 'entry_removed'
  | 'entry_invalid';

/** How an attempt ended. */
export interface Attempt {
  eventId: string;
  /** The HTTP status; absent without an answer. */
  status?: number;
  error?: AttemptError;
  /** The beginning of the answer's body. */
  response?: string;
  /** The pause that the receiver asked for. */
  retryAfterMillis?: number;
}

/** What the sender gets: the requests for one endpoint. */
export interface WebhookBatch {
  requests: WebhookRequest[];
}

/** The answer of the sender. A request that is missing was not sent, because the time was over. */
export interface WebhookBatchResult {
  attempts: Attempt[];
}
