import { readTimings, settingDefaults } from '../../protocol/timings.ts';

describe('readTimings', () => {
  test('[PR3] by default the interval is 30 s, the lateness 30 s and offline after 60 s', () => {
    expect(readTimings({})).toMatchObject({ heartbeatMillis: 30_000, lateMillis: 30_000, offlineAfterMillis: 60_000 });
  });

  test('PUBLISH_CURSORS is true or false', () => {
    expect(readTimings({}).publishesCursors).toBe(true);
    expect(readTimings({ PUBLISH_CURSORS: 'false' }).publishesCursors).toBe(false);
    expect(() => readTimings({ PUBLISH_CURSORS: '0' })).toThrow('PUBLISH_CURSORS is "0"; set it to true or false.');
  });

  test('ALLOWED_ORIGINS lists origins', () => {
    expect(readTimings({}).allowedOrigins).toEqual([]);
    const chosen = readTimings({ ALLOWED_ORIGINS: ' https://a.example, http://localhost:3000,' });
    expect(chosen.allowedOrigins).toEqual(['https://a.example', 'http://localhost:3000']);
    for (const wrong of ['https://a.example/', 'a.example', '*', 'https://A.example']) {
      expect(() => readTimings({ ALLOWED_ORIGINS: `https://b.example,${wrong}` })).toThrow(
        `ALLOWED_ORIGINS has "${wrong}"; list origins like https://app.example.com, separated by commas.`,
      );
    }
  });

  test('[PR4] a user is away after two minutes', () => {
    expect(readTimings({}).awayAfterMillis).toBe(120_000);
  });

  test('[PR7] a clean close gets 3 s of grace, never more than the setting', () => {
    expect(readTimings({})).toMatchObject({ graceMillis: 15_000, cleanCloseGraceMillis: 3000 });
    expect(readTimings({ RECONNECT_GRACE_SECONDS: '1.5' })).toMatchObject({
      graceMillis: 1500,
      cleanCloseGraceMillis: 1500,
    });
  });

  test('takes fractions and treats an empty value as absent', () => {
    const timings = readTimings({ PRESENCE_UPDATE_SECONDS: '0.5', HEARTBEAT_TIMEOUT_SECONDS: ' ' });
    expect(timings.offlineAfterMillis).toBe(30_500);
  });

  test('adapts a default to a chosen value', () => {
    const timings = readTimings({
      SESSION_TIMEOUT_HOURS: '0.001',
      PRESENCE_UPDATE_SECONDS: '1',
      HEARTBEAT_TIMEOUT_SECONDS: '1',
    });
    expect(timings.sessionWarningMillis).toBeLessThan(timings.sessionTimeoutMillis);
    expect(timings.graceMillis).toBe(2000);
  });

  test.each(Object.keys(settingDefaults))('refuses %s when it is not a positive number', (name) => {
    for (const value of ['-1', 'ten', 'NaN', 'Infinity']) {
      expect(() => readTimings({ [name]: value })).toThrow(`${name} is "${value}"; set it to a number above zero`);
    }
  });

  test.each([
    [{ PRESENCE_UPDATE_SECONDS: '600' }, 'Set PRESENCE_UPDATE_SECONDS below 600'],
    [{ RECONNECT_GRACE_SECONDS: '61' }, 'Set RECONNECT_GRACE_SECONDS to at most'],
    [{ SESSION_TIMEOUT_HOURS: '0.001', PRESENCE_UPDATE_SECONDS: '30' }, 'Set SESSION_TIMEOUT_HOURS longer than'],
    [{ SESSION_TIMEOUT_HOURS: '1', SESSION_WARNING_MINUTES: '60' }, 'Set SESSION_WARNING_MINUTES shorter than'],
    [{ MAX_PARTICIPANTS: '1001' }, 'Set MAX_PARTICIPANTS to a whole number up to 1000'],
    [{ MAX_PARTICIPANTS: '2.5' }, 'Set MAX_PARTICIPANTS to a whole number'],
    [{ BATCH_MAX_MESSAGES: '0.5' }, 'Set BATCH_MAX_MESSAGES to a whole number'],
    [{ BATCH_MILLIS: '1001' }, 'Set BATCH_MILLIS to at most 1000'],
  ])('refuses an impossible combination: %j', (environment, advice) => {
    expect(() => readTimings(environment)).toThrow(advice);
  });
});
