import type { Attempt } from '../../lambdas/webhooks/attempt.ts';
import {
  disableAfterMillis,
  mostAttempts,
  planDelivery,
  planEndpoint,
  retryDelays,
} from '../../lambdas/webhooks/retry-plan.ts';

const now = 1_800_000_000_000;
const hour = 3_600_000;
const failed: Attempt = { eventId: 'e', status: 500, error: 'status' };
const succeeded: Attempt = { eventId: 'e', status: 204 };

test.each([200, 201, 204, 299])('[WH3] the answer %i is a success', (status) => {
  expect(planDelivery({ eventId: 'e', status }, 0, now, 0)).toEqual({ state: 'delivered' });
});

test.each([
  ['a redirect', { status: 302, error: 'redirect' }],
  ['400', { status: 400, error: 'status' }],
  ['429', { status: 429, error: 'status' }],
  ['500', { status: 500, error: 'status' }],
  ['no answer', { error: 'timeout' }],
  ['a broken connection', { error: 'connection' }],
] as [string, Partial<Attempt>][])('[WH3] after %s the event is tried again, eight times in 24 hours', (_, attempt) => {
  let at = now;
  for (let attempts = 0; attempts < mostAttempts - 1; attempts += 1) {
    const plan = planDelivery({ eventId: 'e', ...attempt }, attempts, at, 0);
    expect(plan).toEqual({ state: 'pending', nextAttemptAt: at + retryDelays[attempts]! });
    at = (plan as { nextAttemptAt: number }).nextAttemptAt;
  }
  expect(mostAttempts).toBe(8);
  expect((at - now) / hour).toBeCloseTo(23.7, 1);
  expect(planDelivery({ eventId: 'e', ...attempt }, mostAttempts - 1, at, 0)).toEqual({ state: 'dead' });
});

test('[WH3] jitter shortens a wait by up to a fifth, and each wait is longer than the one before', () => {
  for (const [attempts, delay] of retryDelays.entries()) {
    const waits = [0, 0.5, 0.999].map((random) => {
      const plan = planDelivery(failed, attempts, now, random);
      return plan.state === 'pending' ? plan.nextAttemptAt - now : 0;
    });
    expect(waits[0]).toBe(delay);
    expect(waits[2]! / delay).toBeCloseTo(0.8, 2);
    expect(waits[1]).toBeGreaterThan(waits[2]!);
    expect(0.8 * delay).toBeGreaterThan(retryDelays[attempts - 1] ?? 0);
  }
});

test('[WH3] the pause that a receiver asks for is kept by the event and by the endpoint, for at most a day', () => {
  const busy = { ...failed, status: 429, retryAfterMillis: hour };
  expect(planDelivery(busy, 0, now, 0)).toEqual({ state: 'pending', nextAttemptAt: now + hour });
  expect(planEndpoint([succeeded, busy], undefined, now)).toMatchObject({ pausedUntil: now + hour });
  const endless = { ...busy, retryAfterMillis: 1000 * hour };
  expect(planDelivery(endless, 0, now, 0)).toEqual({ state: 'pending', nextAttemptAt: now + 24 * hour });
});

test('[WH3] an endpoint is paused for half a minute if it fails again and again, and not because of one event', () => {
  expect(planEndpoint([failed], undefined, now).pausedUntil).toBeUndefined();
  expect(planEndpoint([failed, failed, failed, succeeded], now - 1, now).pausedUntil).toBeUndefined();
  expect(planEndpoint([failed, failed, failed], undefined, now).pausedUntil).toBe(now + 30_000);
  expect(planEndpoint([failed], now - 1, now).pausedUntil).toBe(now + 30_000);
});

test('[WH6] the answer 410 ends the delivery and disables the endpoint, whatever else it answered', () => {
  const gone: Attempt = { eventId: 'g', status: 410, error: 'status' };
  expect(planDelivery(gone, 0, now, 0)).toEqual({ state: 'dead' });
  expect(planEndpoint([succeeded, gone], undefined, now).disabledCause).toBe('gone');
});

test('[WH6] three days without a success disable an endpoint', () => {
  const since = now - disableAfterMillis;
  expect(planEndpoint([failed], since, now).disabledCause).toBe('failing');
  expect(planEndpoint([failed], since + 1, now).disabledCause).toBeUndefined();
  expect(planEndpoint([failed, succeeded], since, now).disabledCause).toBeUndefined();
  expect(planEndpoint([], since, now)).toMatchObject({
    disabledCause: undefined,
    hasFailure: false,
    hasSuccess: false,
  });
});
