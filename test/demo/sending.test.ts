import { maximumAttempts, reconnectDelay } from '../../demo/live/back-off.ts';
import { CursorSender } from '../../demo/live/cursor-sender.ts';
import { Heartbeat } from '../../demo/live/heartbeat.ts';
import type { Cursor } from '../../protocol/entities.ts';

beforeEach(() => jest.useFakeTimers({ now: 0 }));
afterEach(() => jest.useRealTimers());

const at = (position: number): Cursor => ({ eventId: 'cafe', position });

function sender(options: { alone?: () => boolean; connected?: () => boolean } = {}) {
  const { alone = () => false, connected = () => true } = options;
  const sent: number[] = [];
  const cursors = new CursorSender({
    intervalMillis: 100,
    alone,
    send: ({ position }) => {
      if (connected()) sent.push(position!);
      return connected();
    },
    now: Date.now,
  });
  return { cursors, sent };
}

test('[CL5] the first cursor goes at once, then at most one an interval, and the latest is never lost', () => {
  const { cursors, sent } = sender();
  for (let position = 0; position < 25; position += 1) {
    cursors.move(at(position));
    jest.advanceTimersByTime(10);
  }
  expect(sent).toEqual([0, 9, 19]);
  jest.advanceTimersByTime(1000);
  expect(sent).toEqual([0, 9, 19, 24]);
});

test('[CL5] nothing is sent when alone; who comes then sees the latest', () => {
  let alone = true;
  const { cursors, sent } = sender({ alone: () => alone });
  cursors.move(at(1));
  cursors.move(at(2));
  jest.advanceTimersByTime(1000);
  expect(sent).toEqual([]);
  alone = false;
  cursors.repeat();
  expect(sent).toEqual([2]);
});

test('a cursor that could not be sent goes out when the connection is back', () => {
  let connected = false;
  const { cursors, sent } = sender({ connected: () => connected });
  cursors.move(at(1));
  connected = true;
  cursors.flush();
  expect(sent).toEqual([1]);
});

test('a stopped sender sends nothing more', () => {
  const { cursors, sent } = sender();
  cursors.move(at(1));
  cursors.move(at(2));
  cursors.stop();
  jest.advanceTimersByTime(1000);
  expect(sent).toEqual([1]);
});

test('[CL4] a heartbeat comes an interval after the last frame, and none while other frames go', () => {
  let lastSentAt = 0;
  const beats: number[] = [];
  const heartbeat = new Heartbeat({
    intervalMillis: 1000,
    lastSentAt: () => lastSentAt,
    send: () => {
      beats.push(Date.now());
      lastSentAt = Date.now();
    },
    now: Date.now,
  });
  jest.advanceTimersByTime(1000);
  expect(beats).toEqual([1000]);
  jest.advanceTimersByTime(600);
  lastSentAt = Date.now();
  jest.advanceTimersByTime(999);
  expect(beats).toEqual([1000]);
  jest.advanceTimersByTime(1);
  expect(beats).toEqual([1000, 2600]);
  heartbeat.stop();
  jest.advanceTimersByTime(5000);
  expect(beats).toHaveLength(2);
});

test('a heartbeat that cannot be sent is tried again after an interval, not at once', () => {
  const beats: number[] = [];
  const heartbeat = new Heartbeat({
    intervalMillis: 1000,
    lastSentAt: () => 0,
    send: () => beats.push(Date.now()),
    now: Date.now,
  });
  jest.advanceTimersByTime(3000);
  expect(beats).toEqual([1000, 2000, 3000]);
  heartbeat.stop();
});

test('[CL1] waits double from one second to thirty, with full jitter, for ten attempts', () => {
  const longest = Array.from({ length: maximumAttempts }, (_, index) => reconnectDelay(index + 1, 0.999999) + 1);
  expect(longest).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000, 30_000, 30_000]);
  expect(reconnectDelay(5, 0)).toBe(0);
  expect(reconnectDelay(1, 0.5)).toBe(500);
});
