import type { WebhookDelivery, WebhookEndpoint } from '../../protocol/webhooks.ts';
import { tokenOf } from './client.ts';
import { startTestStack, type TestStack } from './stack.ts';
import { timeLimits } from './time-limits.ts';
import { WebhookReceiver } from './webhook-receiver.ts';

/** The stack of the test file. */
export let stack: TestStack;
/** A token of an admin. */
export let admin: string;
export const receiver = new WebhookReceiver();

/** Opens the receiver and the stack. A test file calls it once. */
export async function openWebhookBed(): Promise<void> {
  await receiver.open();
  stack = await startTestStack();
  admin = (await tokenOf(stack, 'root', { admin: true })).token;
}

export async function closeWebhookBed(): Promise<void> {
  await stack.close();
  await receiver.close();
}

export async function api(method: string, path: string, body?: unknown, token = admin) {
  const over = Date.now() + timeLimits.event;
  let response: Response;
  do {
    response = await fetch(`${stack.http}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    // The throttle, the return of PostgreSQL after an outage and killed requests are not the subject of these tests.
  } while ((response.status === 429 || response.status >= 500) && Date.now() < over);
  return { status: response.status, body: await response.json() };
}

export async function addEndpoint(
  path: string,
  more: object = {},
): Promise<{ endpoint: WebhookEndpoint; secret: string }> {
  const { status, body } = await api('POST', '/webhooks', { url: receiver.url(path), ...more });
  expect([status, body]).toEqual([201, { endpoint: expect.anything(), secret: expect.stringMatching(/^whsec_/) }]);
  return body;
}
export const endpointOf = async (id: string): Promise<WebhookEndpoint> =>
  (await api('GET', `/webhooks/${id}`)).body.endpoint;
export const deliveriesOf = async (id: string, query = ''): Promise<WebhookDelivery[]> =>
  (await api('GET', `/webhooks/${id}/deliveries${query}`)).body.items;

/** Ends the lease of a sweep that was killed, and lets the sweep of the minute start another one. */
export async function startSweep(id: string): Promise<void> {
  await stack.database.query('UPDATE webhook_endpoints SET leased_until = NULL WHERE id = $1', [id]);
  await passTime(id);
}

/** Makes all retries due now, and lets the sweep of the minute look. */
export async function passTime(id: string): Promise<void> {
  await stack.database.query(
    `UPDATE webhook_deliveries SET next_attempt_at = now() WHERE endpoint_id = $1 AND state = 'pending'`,
    [id],
  );
  await stack.database.query('UPDATE webhook_endpoints SET paused_until = NULL WHERE id = $1', [id]);
  await stack.fireSchedule('CleanupSweep');
}

/** Waits until the condition holds. Every two seconds the sweep runs that the schedule of the minute starts on AWS. */
export async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const over = Date.now() + timeLimits.event;
  for (let sweepAt = Date.now() + 2000; !(await holds()); ) {
    if (Date.now() > over) {
      const received = receiver.received.map(({ path, type }) => `${path} ${type}`).join(', ');
      throw new Error(`${what} Received: ${received}.\n${stack.lines.slice(-20).join('\n')}`);
    }
    if (Date.now() > sweepAt) {
      await stack.fireSchedule('CleanupSweep');
      sweepAt = Date.now() + 2000;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
