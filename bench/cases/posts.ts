import { Worker } from 'node:worker_threads';
import { ApiGatewayManagementApiClient } from '@aws-sdk/client-apigatewaymanagementapi';
import { type Gateway, ManagementGateway } from '../../lambdas/delivery/gateway.ts';
import { SignedGateway } from '../../lambdas/delivery/signed-gateway.ts';
import { inParallel } from '../../lambdas/platform/in-parallel.ts';
import { type Bench, type Measurement, median } from '../measurement.ts';

const rounds = 5;
const postsPerRound = 2000;
const inFlight = 50;
const connectionId = 'L0SM9cOFvHcCIhw=';

/** Answers all posts with 200. It runs in a separate thread, whose CPU time is not counted. */
const server = `
const { createServer } = require('node:http');
const { parentPort } = require('node:worker_threads');
const server = createServer({ keepAliveTimeout: 60000 }, (request, response) => {
  request.resume();
  request.once('end', () => response.writeHead(200, { 'content-length': 0 }).end());
});
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
`;

async function postMany(gateway: Gateway, frame: Uint8Array): Promise<void> {
  await inParallel(Array.from({ length: postsPerRound }), inFlight, async () => {
    const outcome = await gateway.post(connectionId, frame);
    if (outcome !== 'delivered') throw new Error(`A post was ${outcome}.`);
  });
}

/** Returns the CPU time of this thread for one post, in milliseconds. */
async function cpuOf(work: () => Promise<void>): Promise<number> {
  const before = process.threadCpuUsage();
  await work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000 / postsPerRound;
}

async function measure(): Promise<Measurement[]> {
  const worker = new Worker(server, { eval: true });
  const port = await new Promise<number>((resolve) => worker.once('message', resolve));
  const endpoint = `http://127.0.0.1:${port}/live`;
  const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret', sessionToken: 'a-session-token' };
  const region = 'us-east-1';
  const gateways: [what: string, gateway: Gateway][] = [
    ['official client', new ManagementGateway(new ApiGatewayManagementApiClient({ endpoint, region, credentials }))],
    ['SignedGateway', new SignedGateway({ endpoint, region, credentials: () => credentials, timeoutMillis: 5000 })],
  ];
  const frame = Buffer.from(JSON.stringify({ type: 'cursors', cursors: 'x'.repeat(1100) }));
  const times = new Map(gateways.map(([what]): [string, number[]] => [what, []]));
  // The first round is a warm-up. After it the variants alternate.
  for (let round = 0; round <= rounds; round++) {
    for (const [what, gateway] of gateways) {
      const millis = await cpuOf(() => postMany(gateway, frame));
      if (round > 0) times.get(what)!.push(millis);
    }
  }
  await worker.terminate();
  return gateways.map(([what], index) => ({
    ...{ what, value: median(times.get(what)!), unit: 'ms CPU per post' },
    ...(index > 0 ? { comparedWith: gateways[0]![0] } : {}),
  }));
}

export const bench: Bench = {
  title: `Posting a frame to a connection (CPU time of the poster's thread, ${inFlight} in flight, median of ${rounds})`,
  run: measure,
};
