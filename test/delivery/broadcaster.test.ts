import { Broadcaster } from '../../lambdas/delivery/broadcaster.ts';
import type { Gateway, PostResult } from '../../lambdas/delivery/gateway.ts';

const frame = { type: 'pong', serverTime: 1 } as const;

/** A gateway with the answers of the test; it records the posts. */
function fakeGateway(answer: (connectionId: string, attempt: number) => PostResult | Promise<PostResult>) {
  const posts: { connectionId: string; bytes: Uint8Array }[] = [];
  const gateway: Gateway = {
    async post(connectionId, bytes) {
      posts.push({ connectionId, bytes });
      return answer(connectionId, posts.filter((post) => post.connectionId === connectionId).length);
    },
  };
  return { gateway, posts };
}

const ids = (count: number) => Array.from({ length: count }, (_, index) => `c${index}`);

test('[DE5] a frame is encoded once for all its receivers', async () => {
  const { gateway, posts } = fakeGateway(() => 'delivered');
  const stringify = jest.spyOn(JSON, 'stringify');
  const result = await new Broadcaster(gateway).broadcast(ids(100), frame, { kind: 'state' });
  expect(stringify).toHaveBeenCalledTimes(1);
  stringify.mockRestore();
  expect(result).toEqual({ delivered: 100, gone: [], failed: [], throttled: 0 });
  expect(new Set(posts.map((post) => post.bytes)).size).toBe(1);
  expect(new TextDecoder().decode(posts[0]!.bytes)).toBe('{"type":"pong","serverTime":1}');
});

test('[DE5] posts run in parallel up to a bound', async () => {
  let open = 0;
  let most = 0;
  const release: (() => void)[] = [];
  const { gateway, posts } = fakeGateway(async (): Promise<PostResult> => {
    open += 1;
    most = Math.max(most, open);
    await new Promise<void>((resolve) => release.push(resolve));
    open -= 1;
    return 'delivered';
  });
  const sent = new Broadcaster(gateway).broadcast(ids(500), frame, { kind: 'state' });
  while (posts.length < 500 || release.length > 0) {
    release.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect((await sent).delivered).toBe(500);
  expect(most).toBeGreaterThan(10);
  expect(most).toBeLessThanOrEqual(64);
});

test('[DE5] a receiver that is slow or fails does not delay the others', async () => {
  const slow = Promise.withResolvers<PostResult>();
  const { gateway, posts } = fakeGateway((id) => (id === 'c0' ? slow.promise : id === 'c1' ? 'failed' : 'delivered'));
  const broadcaster = new Broadcaster(gateway, { wait: async () => {} });
  const sent = broadcaster.broadcast(ids(200), frame, { kind: 'state' });
  while (new Set(posts.map((post) => post.connectionId)).size < 200) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  slow.resolve('delivered');
  expect(await sent).toEqual({ delivered: 199, gone: [], failed: ['c1'], throttled: 0 });
});

test.each(['throttled', 'failed'] as const)(
  '[DE6] a post with the result %s is retried for state frames, a few times, with jitter',
  async (bad) => {
    const waits: number[] = [];
    const wait = async (millis: number) => void waits.push(millis);
    const { gateway, posts } = fakeGateway((_, attempt) => (attempt <= 2 ? bad : 'delivered'));
    const result = await new Broadcaster(gateway, { wait, random: () => 0.5 }).broadcast(['c0'], frame, {
      kind: 'state',
    });
    expect(result).toMatchObject({ delivered: 1, failed: [], throttled: bad === 'throttled' ? 2 : 0 });
    expect(posts).toHaveLength(3);
    expect(waits).toEqual([25, 75]);

    const never = fakeGateway(() => bad);
    const given = await new Broadcaster(never.gateway, { wait }).broadcast(['c0'], frame, { kind: 'state' });
    expect(given.failed).toEqual(['c0']);
    expect(never.posts.length).toBeLessThanOrEqual(4);
  },
);

test.each(['throttled', 'failed'] as const)(
  '[DE6] a post with the result %s is not retried for cursors',
  async (bad) => {
    const { gateway, posts } = fakeGateway(() => bad);
    const result = await new Broadcaster(gateway).broadcast(['c0', 'c1'], frame, { kind: 'cursor' });
    expect(result.failed).toEqual(['c0', 'c1']);
    expect(posts).toHaveLength(2);
  },
);

test.each([
  ['state', 2],
  ['cursor', 2],
  ['event', 1],
] as const)(
  '[DE6] [DE11] if the HTTP connection ends before an answer, a %s frame is posted %i times',
  async (kind, count) => {
    const { gateway, posts } = fakeGateway((_, attempt) => (attempt === 1 ? 'unanswered' : 'delivered'));
    const result = await new Broadcaster(gateway).broadcast(['c0'], frame, { kind });
    expect(result.failed).toEqual(count === 1 ? ['c0'] : []);
    expect(posts).toHaveLength(count);
  },
);

test('[DE6] a connection that is gone is reported once and not retried', async () => {
  const { gateway, posts } = fakeGateway((id) => (id === 'c1' ? 'gone' : 'delivered'));
  const result = await new Broadcaster(gateway).broadcast(ids(3), frame, { kind: 'state' });
  expect(result).toEqual({ delivered: 2, gone: ['c1'], failed: [], throttled: 0 });
  expect(posts).toHaveLength(3);
});

test('a frame without receivers is not encoded, and a refused post is not retried', async () => {
  const { gateway, posts } = fakeGateway(() => 'refused');
  const broadcaster = new Broadcaster(gateway);
  expect(await broadcaster.broadcast([], frame, { kind: 'state' })).toMatchObject({ delivered: 0 });
  expect(posts).toEqual([]);
  expect((await broadcaster.broadcast(['c0'], frame, { kind: 'state' })).failed).toEqual(['c0']);
  expect(posts).toHaveLength(1);
});
