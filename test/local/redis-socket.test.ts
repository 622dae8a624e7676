import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectRedis } from '../../lambdas/platform/redis.ts';
import { startRedis } from '../../local/backing/redis.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollcall redis-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('the functions reach the local Redis by its socket and by its address', async () => {
  const { url, socket, server } = await startRedis(folder);
  const [near, far] = [connectRedis(socket!, false), connectRedis(url, false)];
  await near.set('said', 'here');
  expect(await far.get('said')).toBe('here');
  near.disconnect();
  far.disconnect();
  await server.stop('SIGTERM');
});

test('a folder whose path is too long for a socket leaves the address', async () => {
  const { socket, server } = await startRedis(join(folder, 'x'.repeat(100)));
  expect(socket).toBeUndefined();
  await server.stop('SIGTERM');
});
