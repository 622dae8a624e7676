import { durationText, expiredInviteText, expiresAt, isExpired, statusAt } from '../../lambdas/sessions/expiry.ts';

const hour = 3_600_000;

describe('expiry', () => {
  test('[SE5] comes after exactly SESSION_TIMEOUT_HOURS without activity, and not a millisecond earlier', () => {
    expect(isExpired(1000, 1000 + hour - 1, hour)).toBe(false);
    expect(isExpired(1000, 1000 + hour, hour)).toBe(true);
    expect(expiresAt(1000, hour)).toBe(1000 + hour);
  });

  test('[SE4] makes an active session expired and does not change an ended one', () => {
    const at = (status: 'active' | 'completed' | 'failed' | 'expired') =>
      statusAt({ status, lastActivityAt: 0 }, hour, hour);
    expect([at('active'), at('completed'), at('failed'), at('expired')]).toEqual([
      ...['expired', 'completed', 'failed', 'expired'],
    ]);
    expect(statusAt({ status: 'expired', lastActivityAt: 0 }, 1, hour)).toBe('expired');
  });

  test('gives an expired invite exactly the documented message, with the hours of the setting', () => {
    expect(expiredInviteText(hour)).toBe(
      'This invitation link has expired. Sessions become inactive after 1 hour of no activity.',
    );
    expect(expiredInviteText(2 * hour)).toContain('after 2 hours of no activity.');
  });

  test.each([
    [hour, '1 hour'],
    [1.5 * hour, '1.5 hours'],
    [24 * hour, '24 hours'],
    [hour / 2, '30 minutes'],
    [60_000, '1 minute'],
    [3600, '3.6 seconds'],
    [500, '0.5 seconds'],
  ])('%d ms reads as %s', (millis, text) => {
    expect(durationText(millis)).toBe(text);
  });
});
