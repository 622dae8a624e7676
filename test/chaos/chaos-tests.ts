import { startTestStack, type TestStack } from '../support/stack.ts';
import { scaleSettings, timeLimits } from '../support/time-limits.ts';
import { runCampaign } from './campaign.ts';
import { weathersWith } from './weather.ts';

export interface ChaosSize {
  users: number;
  rooms: number;
  /** How often a user does something, on average. */
  paceMillis: number;
  /** How long each kind of trouble lasts. */
  weatherMillis: number;
  /** How long a store is away. */
  interruptionMillis: number;
  /** Fewer than this many views compared in the end would prove nothing. */
  leastViews: number;
  /** Durations of the product; `scaleSettings` makes them longer on a slow machine. */
  settings: Record<string, string>;
}

/** The test that simulated users see the truth while every kind of trouble comes once; its title begins with the rules that it proves. */
export function testChaos(title: string, size: ChaosSize): void {
  const settings = scaleSettings(size.settings);
  let stack: TestStack;
  beforeAll(async () => {
    stack = await startTestStack(settings, { schedules: true });
  });
  afterAll(() => stack.close());

  test(title, async () => {
    const weathers = weathersWith(size.interruptionMillis);
    const findings = await runCampaign(stack, {
      ...{ settings, users: size.users, rooms: size.rooms, seed: 1, paceMillis: size.paceMillis, weathers },
      ...{ weatherMillis: size.weatherMillis, weathersPerQuietPoint: weathers.length, untilMillis: 0 },
      gatherMillis: timeLimits.test,
      ...{ leastWeathers: weathers.length, busyMillis: timeLimits.event },
      // Lost places are given back once a minute, and the first attempt may fall into the trouble.
      placesLimitMillis: timeLimits.test,
    });
    expect(findings.examples).toEqual([]);
    for (const { name } of weathers) expect(findings.counts.get(`weather: ${name}`)).toBeGreaterThanOrEqual(1);
    expect(findings.counts.get('quiet points')).toBeGreaterThanOrEqual(1);
    expect(findings.counts.get('views compared')).toBeGreaterThanOrEqual(size.leastViews);
    expect(findings.counts.get('leave told: left')).toBeGreaterThan(0);
  });
}
