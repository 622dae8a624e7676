/**
 * `serverless-offline` with a function that stores connections in Redis and posts to each, as in the samples of API
 * Gateway.
 */
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { startRedis } from './redis.mjs';

async function freePorts(many) {
  const probes = Array.from({ length: many }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(probes.map((probe) => new Promise((resolve) => probe.once('listening', resolve))));
  const ports = probes.map((probe) => probe.address().port);
  await Promise.all(probes.map((probe) => new Promise((resolve) => probe.close(resolve))));
  return ports;
}

const redisUrl = await startRedis();
const [http, websocket, lambda] = await freePorts(3);
const ports = ['--httpPort', http, '--websocketPort', websocket, '--lambdaPort', lambda].map(String);
const offline = spawn(
  process.execPath,
  ['../node_modules/serverless/bin/serverless.js', 'offline', 'start', '--host', '127.0.0.1', ...ports],
  {
    cwd: new URL('serverless', import.meta.url),
    env: {
      ...process.env,
      REDIS_URL: redisUrl,
      MANAGEMENT_ENDPOINT: `http://127.0.0.1:${websocket}`,
      SLS_TELEMETRY_DISABLED: '1',
      SLS_NOTIFICATIONS_MODE: 'off',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
    },
  },
);
process.once('exit', () => offline.kill());
let output = '';
const read = (chunk) => {
  output += chunk;
  if (/for websocket\] listening/.test(output)) console.log(`ready ws://127.0.0.1:${websocket}`);
  if (output.length > 10_000) output = output.slice(-1000);
};
offline.stdout.on('data', read);
offline.stderr.on('data', read);
offline.once('exit', () => {
  console.error(output);
  process.exit(1);
});
