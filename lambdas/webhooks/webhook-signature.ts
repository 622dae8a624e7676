import { createHmac, randomBytes } from 'node:crypto';

/** How a secret begins in Standard Webhooks; the rest is base64. */
const secretPrefix = 'whsec_';
const secretBytes = 32;

/** A secret for one endpoint. */
export function makeWebhookSecret(): string {
  return secretPrefix + randomBytes(secretBytes).toString('base64');
}

/** What the signature of a webhook covers. */
export interface SignedContent {
  /** The `webhook-id`. */
  id: string;
  /** The `webhook-timestamp`, Unix seconds. */
  timestamp: number;
  /** The body, exactly as it is sent. */
  body: string;
}

/**
 * The headers of Standard Webhooks, with a signature for each secret.
 *
 * @param secrets the current secret, and during a rotation the previous one.
 */
export function webhookHeaders(content: SignedContent, secrets: readonly string[]): Record<string, string> {
  return {
    'content-type': 'application/json; charset=utf-8',
    'user-agent': 'Rollcall-Webhooks/1',
    'webhook-id': content.id,
    'webhook-timestamp': String(content.timestamp),
    'webhook-signature': secrets.map((secret) => `v1,${signatureOf(content, secret)}`).join(' '),
  };
}

function signatureOf({ id, timestamp, body }: SignedContent, secret: string): string {
  const key = Buffer.from(secret.slice(secretPrefix.length), 'base64');
  return createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
}
