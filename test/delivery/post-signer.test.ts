import { type Credentials, PostSigner } from '../../lambdas/delivery/post-signer.ts';

const post = { host: 'api.example', path: '/live/@connections/A%3D', contentLength: 2, contentHash: 'ab'.repeat(32) };
const day = Date.UTC(2026, 10, 21, 23, 59, 59);
const nextDay = day + 1000;
const first: Credentials = { accessKeyId: 'FIRST', secretAccessKey: 'one' };
const second: Credentials = { accessKeyId: 'SECOND', secretAccessKey: 'two', sessionToken: 'token' };

test('a reused signer signs as a new one does, even after a new secret and a new day', () => {
  const kept = new PostSigner('eu-central-1');
  const turns: [Credentials, number][] = [
    [first, day],
    [second, day],
    [second, nextDay],
    [first, nextDay],
  ];
  const signatures = turns.map(([credentials, now]) => {
    const headers = kept.sign(post, credentials, now);
    expect(headers).toEqual(new PostSigner('eu-central-1').sign(post, credentials, now));
    return headers.at(-1);
  });
  expect(new Set(signatures).size).toBe(turns.length);
});

test('the signature covers the path, the body and the region', () => {
  const signed = (region: string, change: Partial<typeof post>) =>
    new PostSigner(region)
      .sign({ ...post, ...change }, first, day)
      .at(-1)!
      .slice(-64);
  const all = [
    signed('eu-central-1', {}),
    signed('us-east-1', {}),
    signed('eu-central-1', { path: '/live/@connections/B%3D' }),
    signed('eu-central-1', { contentHash: 'cd'.repeat(32) }),
  ];
  expect(new Set(all).size).toBe(all.length);
});
