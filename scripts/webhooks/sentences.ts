import { mostCounted, type WebhookDelivery, type WebhookEndpoint } from '../../protocol/webhooks.ts';

/** What the command line prints about an endpoint. */
export function endpointLines(endpoint: WebhookEndpoint): string[] {
  const { id, url, events, sessionId, key, description, deliveries } = endpoint;
  return [
    `${id}  ${url}${description ? `  (${description})` : ''}`,
    `  ${stateOf(endpoint)}; waiting: ${countText(deliveries.pending)}, dead letters: ${countText(deliveries.dead)}`,
    `  events: ${events.join(', ')}${sessionId ? `; session ${sessionId}` : ''}${key ? `; key ${key}` : ''}`,
  ];
}

function countText(count: number): string {
  return count > mostCounted ? `more than ${mostCounted.toLocaleString('en')}` : String(count);
}

function stateOf({ enabled, disabledCause, failingSince, pausedUntil }: WebhookEndpoint): string {
  if (disabledCause === 'gone') return 'disabled, because the receiver answered 410';
  if (disabledCause === 'failing') return 'disabled, because no delivery succeeded for three days';
  if (!enabled) return 'disabled by an admin';
  if (pausedUntil !== undefined && pausedUntil > Date.now()) return `enabled, paused until ${timeText(pausedUntil)}`;
  return failingSince === undefined ? 'enabled' : `enabled, failing since ${timeText(failingSince)}`;
}

/** The secret is shown only here. */
export function secretLines(secret: string): string[] {
  return [`  secret: ${secret}`, '  Store the secret now; it is not shown again.'];
}

/** What the command line prints about a delivery. */
export function deliveryLine({
  eventId,
  type,
  state,
  attempts,
  queuedAt,
  status,
  error,
  response,
}: WebhookDelivery): string {
  const answer = [status, error, response && JSON.stringify(response)].filter((part) => part !== undefined).join(' ');
  return `${timeText(queuedAt)}  ${eventId}  ${type}  ${state}, attempts: ${attempts}${answer ? `, last answer: ${answer}` : ''}`;
}

function timeText(time: number): string {
  return new Date(time).toISOString();
}
