import { randomUUID } from 'node:crypto';
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type { ConnectionCap } from '../../lambdas/connections/connection-counters.ts';
import { ConnectionRegistry } from '../../lambdas/connections/connection-registry.ts';
import { losingAnswers } from '../support/lossy-dynamodb.ts';
import { createConnectionTable, testAwsVariables } from '../support/tables.ts';

// The client of DynamoDB repeats a write whose answer is late. A connection must be counted once, and taken off once.

let client: DynamoDBClient;
let registry: ConnectionRegistry;
let lossy: ConnectionRegistry;
let table: string;

beforeAll(async () => {
  Object.assign(process.env, testAwsVariables());
  table = await createConnectionTable();
  client = new DynamoDBClient({});
  registry = new ConnectionRegistry(client, table);
  lossy = new ConnectionRegistry(losingAnswers(client), table);
});
afterAll(() => client.destroy());

const userCap = (most: number): ConnectionCap => ({ by: 'user', id: randomUUID(), most });

async function open(through: ConnectionRegistry, caps: ConnectionCap[], connectionId: string = randomUUID()) {
  const connection = { connectionId, userId: caps[0]!.id, username: 'Ada', connectedAt: Date.now() };
  return { connectionId, refusedBy: await through.add(connection, caps) };
}

async function total({ by, id }: ConnectionCap): Promise<unknown> {
  const Key = marshall({ connectionId: `${by}#${id}`, sessionId: '-' });
  const { Item } = await client.send(new GetItemCommand({ TableName: table, Key, ConsistentRead: true }));
  return Item && unmarshall(Item)['total'];
}

test('[CO1] a connection is counted once although the first answer is late, also under a cap that it just reaches', async () => {
  const cap = userCap(2);
  expect((await open(lossy, [cap])).refusedBy).toBeUndefined();
  expect(await total(cap)).toBe(1);
  expect((await open(lossy, [cap])).refusedBy).toBeUndefined();
  expect(await total(cap)).toBe(2);
  expect((await open(lossy, [cap])).refusedBy).toBe('user');
  expect(await total(cap)).toBe(2);
});

test('[CO1] a connection whose end is stored late is taken off once, also if the end is reported twice', async () => {
  const cap = userCap(5);
  const [first, second] = [await open(registry, [cap]), await open(registry, [cap]), await open(registry, [cap])];
  await lossy.remove(first.connectionId);
  expect(await total(cap)).toBe(2);
  await Promise.all([lossy.remove(second.connectionId), lossy.remove(second.connectionId)]);
  expect(await total(cap)).toBe(1);
  await lossy.remove(second.connectionId);
  expect(await total(cap)).toBe(1);
});

test('[CO1] a connection that a post found gone is taken off once although the first answer is late', async () => {
  const cap = userCap(5);
  const [first] = [await open(registry, [cap]), await open(registry, [cap])];
  await lossy.removeGone(first.connectionId, Date.now());
  await lossy.remove(first.connectionId);
  expect(await total(cap)).toBe(1);
});

test('[CO1] a handshake that another cap refuses is taken off once although the first answer is late', async () => {
  const [full, other]: ConnectionCap[] = [userCap(1), { by: 'address', id: randomUUID(), most: 9 }];
  await open(registry, [full!, other!]);
  expect((await open(lossy, [full!, other!])).refusedBy).toBe('user');
  expect([await total(full!), await total(other!)]).toEqual([1, 1]);
});

test('[CO1] a handshake that fails because no answer to its count arrives is not counted afterwards', async () => {
  const cap = userCap(5);
  let left = 2;
  const silent = losingAnswers(client, (command) => command === 'UpdateItemCommand' && left-- > 0);
  await open(registry, [cap]);
  await expect(open(new ConnectionRegistry(silent, table), [cap])).rejects.toThrow();
  expect(await total(cap)).toBe(1);
  expect(await registry.connectionsOf(cap.id)).toHaveLength(1);
});

test('[CO1] the marks of a thousand connections do not let the counter grow beyond what one write pays for', async () => {
  const cap = { ...userCap(5000), by: 'address' as const };
  for (let round = 0; round < 20; round += 1)
    await Promise.all(Array.from({ length: 50 }, () => open(registry, [cap])));
  const Key = marshall({ connectionId: `address#${cap.id}`, sessionId: '-' });
  const { Item } = await client.send(new GetItemCommand({ TableName: table, Key, ConsistentRead: true }));
  const counter = unmarshall(Item!);
  expect(counter).toMatchObject({ total: 1000 });
  // DynamoDB pays for names and values in UTF-8; a number has at most 21 bytes.
  const sizes = Object.entries(counter).map(
    ([name, value]) => name.length + (typeof value === 'string' ? value.length : 21),
  );
  expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(1024);
});

test('[CO1] many handshakes at the same time are each counted once although each first answer is late', async () => {
  const cap = userCap(100);
  // The marks of these connections are in different places of the counter.
  const ids = [0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12].map((number) => `connection-${number}`);
  const all = await Promise.all(ids.map((id) => open(lossy, [cap], id)));
  expect(all.filter(({ refusedBy }) => refusedBy)).toEqual([]);
  expect(await total(cap)).toBe(12);
  await Promise.all(ids.map((id) => lossy.remove(id)));
  expect(await total(cap)).toBe(0);
});
