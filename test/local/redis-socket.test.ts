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

test('the local Redis is reachable by its socket and by its address', async () => {
  const { url, socket, server } = await startRedis(folder);
  const [near, far] = [connectRedis(socket!, false), connectRedis(url, false)];
  await near.set('said', 'here');
  expect(await far.get('said')).toBe('here');
  near.disconnect();
  far.disconnect();
  await server.stop('SIGTERM');
});

test('if the path of the folder is too long for a socket, only the address is used', async () => {
  const { socket, server } = await startRedis(join(folder, 'x'.repeat(100)));
  expect(socket).toBeUndefined();
  await server.stop('SIGTERM');
});
