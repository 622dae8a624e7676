import { readTimings } from '../../protocol/timings.ts';
import { phasesWith } from './phases.ts';
import { divideRun } from './run-times.ts';

const kinds = phasesWith(0).length;

test.each([1, 2, 5, 20])('a chaos run of %p minutes has time for each kind of fault, and ends in time', (minutes) => {
  const times = divideRun(minutes, kinds);
  const { offlineAfterMillis } = readTimings(times.settings);
  const { gatherMillis, phasesMillis, phaseMillis, interruptionMillis } = times;
  // The last comparison needs the time after which a silent user times out.
  expect(gatherMillis + phasesMillis + offlineAfterMillis).toBeLessThanOrEqual(minutes * 60_000);
  // In two of the phases a store is away; they are longer by that time.
  expect(kinds * phaseMillis + 2 * interruptionMillis).toBeLessThanOrEqual(phasesMillis);
  // A store goes away after a quarter of its phase, and is back before the next one.
  expect(phaseMillis / 4 + interruptionMillis).toBeLessThan(phaseMillis);
});

test('only a long chaos run waits until lost slots are released', () => {
  const [short, long] = [divideRun(1, kinds), divideRun(20, kinds)];
  expect(short.slotsWaitMillis).toBe(0);
  expect(long.slotsWaitMillis).toBe(long.slotsLimitMillis);
});
