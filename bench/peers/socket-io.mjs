/** Two socket.io nodes connected by Redis, as in its documentation. */
import { fork } from 'node:child_process';
import { startRedis } from './redis.mjs';

const redisUrl = await startRedis();
const nodes = [0, 1].map(() =>
  fork(new URL('socket-io-node.mjs', import.meta.url), { env: { ...process.env, REDIS_URL: redisUrl } }),
);
const addresses = await Promise.all(nodes.map((node) => new Promise((resolve) => node.once('message', resolve))));
process.once('exit', () => {
  for (const node of nodes) node.kill();
});
console.log(`ready ${addresses.join(',')}`);
