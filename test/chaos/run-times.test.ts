import { readTimings } from '../../protocol/timings.ts';
import { divideRun } from './run-times.ts';
import { weathersWith } from './weather.ts';

const kinds = weathersWith(0).length;

test.each([1, 2, 5, 20])('a chaos run of %p minutes has time for each kind of trouble, and ends in time', (minutes) => {
  const times = divideRun(minutes, kinds);
  const { offlineAfterMillis } = readTimings(times.settings);
  const { gatherMillis, troubleMillis, weatherMillis, interruptionMillis } = times;
  // At the last quiet point the rooms need the time after which a silent user is offline.
  expect(gatherMillis + troubleMillis + offlineAfterMillis).toBeLessThanOrEqual(minutes * 60_000);
  // In two of the weathers a store is away, and they last longer by that time.
  expect(kinds * weatherMillis + 2 * interruptionMillis).toBeLessThanOrEqual(troubleMillis);
  // A store goes away after a quarter of its weather, and is back before the next one.
  expect(weatherMillis / 4 + interruptionMillis).toBeLessThan(weatherMillis);
});

test('only a long chaos run waits until lost places are given back', () => {
  const [short, long] = [divideRun(1, kinds), divideRun(20, kinds)];
  expect(short.placesWaitMillis).toBe(0);
  expect(long.placesWaitMillis).toBe(long.placesLimitMillis);
});
