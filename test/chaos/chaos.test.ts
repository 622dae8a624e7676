import { startTestStack, type TestStack } from '../support/stack.ts';
import { runCampaign } from './campaign.ts';
import { weathersWith } from './weather.ts';

/** Short enough for a test, long enough for a busy machine: whoever is silent for fifteen seconds is gone. */
const settings = {
  PRESENCE_UPDATE_SECONDS: '5',
  HEARTBEAT_TIMEOUT_SECONDS: '10',
  AWAY_AFTER_SECONDS: '60',
  RECONNECT_GRACE_SECONDS: '4',
  CLEANUP_INTERVAL_MINUTES: '1',
};

let stack: TestStack;

beforeAll(async () => {
  stack = await startTestStack(settings, { schedules: true });
}, 120_000);
afterAll(() => stack.close());

test('[PR10] [PR12] [DE3] [FA1] [FA2] [FA3] [FA5] in a cloud that does everything wrong in turn, thirty people see who is there and nobody is said to have gone who is there', async () => {
  const weathers = weathersWith(1500);
  const findings = await runCampaign(stack, {
    ...{ settings, users: 30, rooms: 3, seed: 1, paceMillis: 4000, weathers, busyMillis: 15_000 },
    ...{ weatherMillis: 2000, weathersPerQuietPoint: weathers.length, untilMillis: 0 },
    leastWeathers: weathers.length,
    // Lost places are given back once a minute, and the first attempt may fall into the trouble.
    placesPatienceMillis: 90_000,
  });
  expect(findings.examples).toEqual([]);
  for (const { name } of weathers) expect(findings.counts.get(`weather: ${name}`)).toBeGreaterThanOrEqual(1);
  expect(findings.counts.get('quiet points')).toBeGreaterThanOrEqual(1);
  expect(findings.counts.get('views compared')).toBeGreaterThanOrEqual(20);
  expect(findings.counts.get('leave told: left')).toBeGreaterThan(0);
}, 240_000);
