import { Tally } from '../../bench/rooms/tally.ts';
import { VarReader, VarWriter } from '../../bench/rooms/varints.ts';

test('an update counts once for each receiver, with its own latency', () => {
  const tally = new Tally(3);
  tally.begin();
  const number = tally.sent(0, 100);
  tally.end();
  tally.heard(1, 0, number, 105);
  tally.heard(1, 0, number, 130);
  tally.heard(2, 0, number, 120);
  tally.heard(0, 0, number, 101);
  expect(tally.result()).toMatchObject({ expected: 2, delivered: 2, replaced: 0, lost: 0 });
  expect(tally.result().latency).toEqual({ p50: 20, p95: 20, p99: 20, longest: 20 });
});

test('an update replaced by a newer one counts as delivered and as replaced', () => {
  const tally = new Tally(2);
  tally.begin();
  tally.sent(0, 0);
  tally.sent(0, 100);
  tally.end();
  tally.heard(1, 0, 1, 150);
  expect(tally.result()).toMatchObject({ expected: 2, delivered: 2, replaced: 1, lost: 0 });
  expect(tally.result().latency.longest).toBe(150);
});

test('an update that no receiver got counts as lost', () => {
  const tally = new Tally(2);
  tally.begin();
  tally.sent(0, 0);
  tally.sent(0, 100);
  tally.end();
  tally.heard(1, 0, 0, 10);
  expect(tally.result()).toMatchObject({ expected: 2, delivered: 1, lost: 1 });
});

test('updates sent before or after the measured time do not count, however late they arrive', () => {
  const tally = new Tally(2);
  const early = tally.sent(0, 0);
  tally.begin();
  const counted = tally.sent(0, 100);
  tally.end();
  const late = tally.sent(0, 200);
  for (const number of [early, counted, late]) tally.heard(1, 0, number, 300);
  expect(tally.result()).toMatchObject({ expected: 1, delivered: 1, lost: 0 });
});

test('the Yjs encoding reads numbers, texts and bytes as they were written', () => {
  const written = new VarWriter().number(0).number(127).number(128).number(3_000_000_199).text('Zoë').done();
  expect([...written.subarray(0, 4)]).toEqual([0, 127, 128, 1]);
  const reader = new VarReader(written);
  expect([reader.number(), reader.number(), reader.number(), reader.number(), reader.text()]).toEqual([
    ...[0, 127, 128, 3_000_000_199],
    'Zoë',
  ]);
  expect(() => reader.number()).toThrow(RangeError);
});
