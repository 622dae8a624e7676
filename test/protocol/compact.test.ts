import { cursorPosts } from '../../lambdas/delivery/cursor-frames.ts';
import { decodeFrame, numbersOf, tagOf, withNumbers } from '../../protocol/compact.ts';
import type { Cursor } from '../../protocol/entities.ts';

const sessionId = '5b62d749-f6f1-46c9-9ac4-05de40a0d0a4';
const epoch = 'e186d53de304';
const userOf = (index: number) => `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`;
const moved = (index: number, cursor: Cursor, whole = false) => ({
  userId: userOf(index),
  cursor,
  at: 1_800_000_000_000,
  index,
  whole,
});
const receiver = (index: number, compact = true) => ({ userId: userOf(index), connectionId: `c${index}`, compact });
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

describe('tags', () => {
  const cursor = { eventId: 'lamp', position: 3.25, x: 0.5, label: 'hall', path: [1, 2], deep: { n: 1 } };

  test('[DE8] a tag changes with everything in a cursor except its numbers', () => {
    expect(tagOf({ ...cursor, position: -7, x: 1e21 })).toBe(tagOf(cursor));
    const others: Cursor[] = [
      { ...cursor, eventId: 'door' },
      { ...cursor, label: 'Hall' },
      { ...cursor, path: [1, 3] },
      { ...cursor, deep: { n: 2 } },
      { ...cursor, more: null },
    ];
    for (const other of others) expect(tagOf(other)).not.toBe(tagOf(cursor));
  });

  test('[DE8] a known cursor with the received numbers equals the sent cursor', () => {
    const next = { ...cursor, position: 0.1 + 0.2, x: -1e-9 };
    expect(withNumbers(cursor, numbersOf(next))).toEqual(next);
  });
});

describe('compact frames', () => {
  test('[DE8] a moved cursor is sent as index, tag and numbers; a cursor that changed otherwise is sent as a whole', () => {
    const batch = {
      epoch,
      cursors: [
        moved(1, { eventId: 'a;b', position: 1.5, x: 0.25 }),
        moved(2, { eventId: 'c', position: 2 }, true),
        moved(50, { eventId: 'd', position: 3 }),
      ],
      receivers: [receiver(9)],
    };
    const [post] = cursorPosts(sessionId, batch);
    expect(decodeFrame(textOf(post!.bytes))).toEqual({
      alias: 'e186',
      moves: [
        { index: 1, tag: tagOf(batch.cursors[0]!.cursor), numbers: [1.5, 0.25] },
        { index: 50, tag: tagOf(batch.cursors[2]!.cursor), numbers: [3] },
      ],
      whole: [{ userId: userOf(2), cursor: { eventId: 'c', position: 2 }, at: 1_800_000_000_000 }],
    });
  });

  test('[DE2] in both forms, no user gets their own cursor, and a receiver without news gets no frame', () => {
    const batch = {
      epoch,
      cursors: [moved(1, { eventId: 'a', position: 1 })],
      receivers: [receiver(1), receiver(1, false), receiver(2), receiver(3, false)],
    };
    const posts = cursorPosts(sessionId, batch);
    expect(posts.map((post) => post.connectionId)).toEqual(['c2', 'c3']);
    expect(decodeFrame(textOf(posts[0]!.bytes))?.moves).toHaveLength(1);
    expect(JSON.parse(textOf(posts[1]!.bytes))).toEqual({
      type: 'cursors',
      sessionId,
      cursors: [{ userId: userOf(1), cursor: { eventId: 'a', position: 1 }, at: 1_800_000_000_000 }],
    });
  });

  test('[DE5] receivers that do not move get the same bytes', () => {
    const cursors = [moved(1, { eventId: 'a', position: 1 })];
    const posts = cursorPosts(sessionId, { epoch, cursors, receivers: [receiver(2), receiver(3), receiver(4)] });
    expect(new Set(posts.map((post) => post.bytes)).size).toBe(1);
  });

  test('[DE8] fifty moving users in a room of fifty need fewer than 29 bytes per update, at most a fifth of JSON', () => {
    const cursors = Array.from({ length: 50 }, (_, index) =>
      moved(index + 1, {
        eventId: 'floor-plan/room-17',
        position: 1000 + index,
        x: 0.1234 + index / 1000,
        y: 0.4321,
        tool: 'pen',
      }),
    );
    const bytesOf = (compact: boolean) => {
      const receivers = cursors.map((_, index) => receiver(index + 1, compact));
      const posts = cursorPosts(sessionId, { epoch, cursors, receivers });
      return posts.reduce((sum, post) => sum + post.bytes.length, 0) / (50 * 49);
    };
    const oneFrameEach = Buffer.byteLength(JSON.stringify({ type: 'cursors', sessionId, cursors: [cursors[0]] }));
    expect(bytesOf(true)).toBeLessThanOrEqual(29);
    expect(bytesOf(true)).toBeLessThanOrEqual(0.2 * oneFrameEach);
    expect(bytesOf(false)).toBeLessThan(oneFrameEach);
  });

  test.each([true, false])('[DE7] a frame over 32 KB is split by members (compact: %s)', (compact) => {
    const cursors = Array.from({ length: 200 }, (_, index) =>
      moved(index + 1, { eventId: 'e'.repeat(500), position: index }, true),
    );
    const posts = cursorPosts(sessionId, { epoch, cursors, receivers: [receiver(999, compact)] });
    expect(posts.length).toBeGreaterThan(1);
    for (const post of posts) expect(post.bytes.length).toBeLessThanOrEqual(32 * 1024);
    const users = posts.flatMap(({ bytes }) => {
      const text = textOf(bytes);
      return (decodeFrame(text)?.whole ?? JSON.parse(text).cursors).map((one: { userId: string }) => one.userId);
    });
    expect(users).toEqual(cursors.map((cursor) => cursor.userId));
  });

  test('a JSON frame is not parsed as a compact one', () => {
    expect(decodeFrame('{"type":"cursors"}')).toBeUndefined();
  });
});
