import { spawn } from 'node:child_process';
import { createServer } from 'node:net';

/** Starts a separate Redis on a free port. It ends with this process. */
export async function startRedis() {
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => probe.once('listening', resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  const arguments_ = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const server = spawn('redis-server', arguments_, { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.stdout.on('data', (text) => {
      if (/ready to accept connections/i.test(String(text))) resolve();
    });
  });
  const end = () => {
    server.kill();
    process.exit();
  };
  process.once('SIGTERM', end);
  process.once('SIGINT', end);
  return `redis://127.0.0.1:${port}`;
}
