import { type Measured, Meter } from '../../lambdas/platform/meter.ts';

let now: number;
let lines: Record<string, readonly number[]>[];
let meter: Meter;
beforeEach(() => {
  now = 1_000_000;
  lines = [];
  meter = meterWith(() => 0);
});

function meterWith(random: () => number): Meter {
  return new Meter(
    (measured: Measured) => lines.push(Object.fromEntries(measured)),
    () => now,
    random,
  );
}

test('the first invocation writes a line, with the sum of what was added and every value that was noted', () => {
  meter.add('posts', 3);
  meter.add('posts');
  meter.note('averageLatency', 2);
  meter.note('averageLatency', 4);
  meter.flush();
  expect(lines).toEqual([{ posts: [4], averageLatency: [2, 4] }]);
});

test('an invocation that measured nothing writes no line', () => {
  meter.flush();
  expect(lines).toEqual([]);
});

test('the invocations of ten seconds share a line', () => {
  meter.add('posts');
  meter.flush();
  for (let call = 0; call < 50; call += 1) {
    meter.add('posts');
    now += 199;
    meter.flush();
  }
  expect(lines).toEqual([{ posts: [1] }]);
  now += 50;
  meter.flush();
  expect(lines).toEqual([{ posts: [1] }, { posts: [50] }]);
});

test.each([
  ['a failure', () => meter.fail('handshakesFailed'), { handshakesFailed: [1] }],
  ['a failed request', () => meter.request(true), { errorRate: [100] }],
])('%s is written a second after the last line', (_, fail, line) => {
  meter.add('posts');
  meter.flush();
  fail();
  meter.flush();
  expect(lines).toHaveLength(1);
  now += 1000;
  meter.flush();
  expect(lines.slice(1)).toEqual([line]);
});

test('the average of errorRate is the share of the requests that failed', () => {
  for (const isFailed of [false, true, false, false]) meter.request(isFailed);
  meter.writeAll();
  expect(lines).toEqual([{ errorRate: [0, 100, 0, 0] }]);
});

test('of many values a line has 99, chosen at random, so that their average is right', () => {
  let seed = 7;
  meter = meterWith(() => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed / 2_147_483_647;
  });
  const averages = Array.from({ length: 40 }, () => {
    for (let value = 0; value < 1000; value += 1) meter.note('deliveryLatency', value);
    meter.writeAll();
    const values = lines.at(-1)!['deliveryLatency']!;
    expect(values).toHaveLength(99);
    return values.reduce((sum, value) => sum + value, 0) / values.length;
  });
  const average = averages.reduce((sum, value) => sum + value, 0) / averages.length;
  expect(Math.abs(average - 499.5)).toBeLessThan(20);
});
