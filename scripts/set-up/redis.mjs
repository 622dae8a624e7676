import { spawnSync } from 'node:child_process';
import { startRedisContainer } from './redis-container.mjs';
import { Advice, findProgram, findSystemInstaller, installSystemPackage } from './shell.mjs';
import { inTurn } from './turn.mjs';

const programs = ['valkey-server', 'redis-server'];
const nothing = { environment: {}, stop: async () => {} };

/**
 * Provides a Redis. It uses the one of REDIS_URL, an installed server, one that can be installed without a password, or
 * a container that ends with this process.
 *
 * @returns environment variables for the program, and a function that stops what was started.
 * @throws Advice if none is available.
 */
export async function provideRedis() {
  if (process.env.REDIS_URL || findProgram(programs)) return nothing;
  const installer = findSystemInstaller();
  if (installer) {
    await inTurn('system-packages', async () => {
      if (findProgram(programs)) return;
      await installSystemPackage(installer, { apt: 'redis-server', brew: 'valkey', service: 'redis-server' });
    });
    if (findProgram(programs)) return nothing;
  }
  const docker = findProgram(['docker']);
  if (docker && spawnSync(docker, ['info'], { stdio: 'ignore', timeout: 5000 }).status === 0) {
    return startRedisContainer(docker);
  }
  throw new Advice(
    'Rollcall needs a Redis: install redis-server or valkey-server, or set REDIS_URL to a server that already runs.',
  );
}
