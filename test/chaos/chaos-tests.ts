import { startTestStack, type TestStack } from '../support/stack.ts';
import { scaleSettings, timeLimits } from '../support/time-limits.ts';
import { runCampaign } from './campaign.ts';
import { phasesWith } from './phases.ts';

export interface ChaosSize {
  users: number;
  rooms: number;
  /** The mean time between two actions of a user, in milliseconds. */
  paceMillis: number;
  /** How long each phase lasts, in milliseconds. */
  phaseMillis: number;
  /** How long a store is away. */
  interruptionMillis: number;
  /** The least number of compared views; with fewer the test proves nothing. */
  leastViews: number;
  /** The durations of the product; `scaleSettings` makes them longer on a slow machine. */
  settings: Record<string, string>;
}

/** The test that simulated users see the true state during each kind of fault. Its title begins with the rules that it proves. */
export function testChaos(title: string, size: ChaosSize): void {
  const settings = scaleSettings(size.settings);
  let stack: TestStack;
  beforeAll(async () => {
    stack = await startTestStack(settings, { schedules: true });
  });
  afterAll(() => stack.close());

  test(title, async () => {
    const phases = phasesWith(size.interruptionMillis);
    const findings = await runCampaign(stack, {
      ...{ settings, users: size.users, rooms: size.rooms, seed: 1, paceMillis: size.paceMillis, phases },
      ...{ phaseMillis: size.phaseMillis, phasesPerComparison: phases.length, untilMillis: 0 },
      gatherMillis: timeLimits.test,
      ...{ leastPhases: phases.length, busyMillis: timeLimits.event },
      // Lost slots are released once a minute, and the first attempt may fail because of a fault.
      slotsLimitMillis: timeLimits.test,
    });
    expect(findings.examples).toEqual([]);
    for (const { name } of phases) expect(findings.counts.get(`phase: ${name}`)).toBeGreaterThanOrEqual(1);
    expect(findings.counts.get('quiet points')).toBeGreaterThanOrEqual(1);
    expect(findings.counts.get('views compared')).toBeGreaterThanOrEqual(size.leastViews);
    expect(findings.counts.get('leave told: left')).toBeGreaterThan(0);
  });
}
