import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { Advice } from './shell.mjs';

const image = 'valkey/valkey:8-alpine';
/** The server ends when its standard input closes, which happens when this process ends for any reason. */
const script = 'valkey-server --save "" --appendonly no & cat >/dev/null; kill $!; wait';

/**
 * Starts Redis in a container on a free loopback port. The container is removed afterwards.
 *
 * @throws Advice if the container does not start.
 */
export async function startRedisContainer(docker) {
  const name = `rollcall-redis-${randomBytes(6).toString('hex')}`;
  process.stdout.write(`Starting Redis in a container (${image}) …\n`);
  const args = ['run', '--rm', '-i', '--name', name, '-p', '127.0.0.1::6379', image, 'sh', '-c', script];
  const child = spawn(docker, args, { stdio: ['pipe', 'pipe', 'inherit'], detached: true });
  const ended = new Promise((resolve) => {
    child.once('exit', resolve);
    child.once('error', resolve);
  });
  const ready = new Promise((resolve) => {
    let output = '';
    child.stdout.on('data', (chunk) => {
      output = (output + chunk).slice(-4000);
      if (output.toLowerCase().includes('ready to accept connections')) resolve('ready');
    });
  });
  if ((await Promise.race([ready, ended])) !== 'ready') {
    throw new Advice(
      'Redis did not start in Docker: install redis-server or set REDIS_URL to a server that already runs.',
    );
  }
  const address = spawnSync(docker, ['port', name, '6379/tcp'], { encoding: 'utf8' }).stdout.trim().split('\n')[0];
  return {
    environment: { REDIS_URL: `redis://${address}` },
    async stop() {
      child.stdin.end();
      await ended;
    },
  };
}
