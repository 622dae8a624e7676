import type { PostResult } from '../../lambdas/delivery/gateway.ts';
import { MeteredGateway } from '../../lambdas/delivery/metered-gateway.ts';

test.each<[PostResult, object]>([
  ['delivered', { posts: 1 }],
  ['gone', { posts: 1, postsGone: 1 }],
  ['throttled', { posts: 1, postsThrottled: 1 }],
  ['failed', { posts: 1, postsFailed: 1 }],
  ['refused', { posts: 1, postsFailed: 1 }],
  // It is sent again at once, so this is no failure yet.
  ['unanswered', { posts: 1 }],
])('a post that is %s is counted', async (result, expected) => {
  const counted: Record<string, number> = {};
  const add = (name: string, amount = 1) => {
    counted[name] = (counted[name] ?? 0) + amount;
  };
  const gateway = new MeteredGateway({ post: async () => result }, { add });
  expect(await gateway.post('c1', new Uint8Array())).toBe(result);
  expect(counted).toEqual(expected);
});
