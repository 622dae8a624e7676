import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort } from '../../local/backing/free-port.ts';
import { OwnRedis } from '../support/own-redis.ts';
import { timeLimits } from '../support/time-limits.ts';

const slots = 16_384;

/** One server of a cluster, with a connection to only this server. */
export interface ClusterNode {
  server: OwnRedis;
  client: Redis;
  id: string;
  /** The port of the cluster bus. */
  bus: number;
  /** The folder of the server with its cluster configuration. */
  directory: string;
}

export interface OwnCluster {
  nodes: [ClusterNode, ClusterNode, ClusterNode];
  url: string;
  stop(): Promise<void>;
}

/** Starts a real Redis cluster of three nodes on loopback ports, each with a third of the slots. */
export async function startCluster(): Promise<OwnCluster> {
  const nodes = (await Promise.all([startNode(), startNode(), startNode()])) as OwnCluster['nodes'];
  const [first] = nodes;
  await Promise.all(nodes.map(({ client }, index) => takeSlots(client, index, nodes.length)));
  for (const { server, bus } of nodes.slice(1)) {
    await first.client.call('CLUSTER', 'MEET', '127.0.0.1', server.port, bus);
  }
  await Promise.all(nodes.map(({ client }) => agreed(client, nodes.length)));
  return {
    nodes,
    url: first.server.url,
    async stop() {
      for (const { client } of nodes) client.disconnect();
      await Promise.all(nodes.map(({ server }) => server.kill()));
      await Promise.all(nodes.map(({ directory }) => rm(directory, { recursive: true, force: true })));
    },
  };
}

async function startNode(): Promise<ClusterNode> {
  const [directory, bus] = await Promise.all([mkdtemp(join(tmpdir(), 'rollcall-cluster-')), freePort()]);
  const options = ['--cluster-enabled', 'yes', '--cluster-port', String(bus), '--cluster-node-timeout', '2000'];
  const server = await OwnRedis.start([...options, '--dir', directory]);
  const client = new Redis(server.url);
  client.on('error', () => {});
  return { server, client, bus, directory, id: String(await client.call('CLUSTER', 'MYID')) };
}

async function takeSlots(client: Redis, index: number, count: number): Promise<void> {
  const from = Math.floor((index * slots) / count);
  const to = Math.floor(((index + 1) * slots) / count) - 1;
  await client.call('CLUSTER', 'ADDSLOTSRANGE', from, to);
}

/** Resolves when a node knows the whole cluster; fails after ten seconds. */
async function agreed(client: Redis, count: number): Promise<void> {
  const until = Date.now() + timeLimits.event;
  for (;;) {
    const info = String(await client.call('CLUSTER', 'INFO'));
    if (info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${count}`)) return;
    if (Date.now() > until) throw new Error(`The nodes did not form a cluster: ${info}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Starts moving a slot: until `finish`, the old node answers ASK for keys that it no longer has. */
export async function moveSlot(slot: number, from: ClusterNode, to: ClusterNode, all: readonly ClusterNode[]) {
  await to.client.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', from.id);
  await from.client.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', to.id);
  return {
    /** Moves the keys. */
    async carry(): Promise<number> {
      const keys = (await from.client.call('CLUSTER', 'GETKEYSINSLOT', slot, 1000)) as string[];
      if (keys.length > 0) {
        await from.client.call('MIGRATE', '127.0.0.1', to.server.port, '', 0, 5000, 'KEYS', ...keys);
      }
      return keys.length;
    },
    /** Ends the move; the old node then answers MOVED. */
    async finish(): Promise<void> {
      for (const { client } of [to, from, ...all.filter((node) => node !== to && node !== from)]) {
        await client.call('CLUSTER', 'SETSLOT', slot, 'NODE', to.id);
      }
    },
  };
}
