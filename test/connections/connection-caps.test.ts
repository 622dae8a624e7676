import { randomUUID } from 'node:crypto';
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { capsFor } from '../../lambdas/adapters/connection-caps.ts';
import type { ConnectionCap } from '../../lambdas/connections/connection-counters.ts';
import { ConnectionRegistry } from '../../lambdas/connections/connection-registry.ts';
import { createConnectionTable, testAwsVariables } from '../support/tables.ts';

const hour = 60 * 60 * 1000;
let client: DynamoDBClient;
let registry: ConnectionRegistry;
let table: string;
/** The commands that were sent, in their order. `answered` marks the first answer. */
let sent: string[] = [];
/** Runs once, before the next read of a counter. */
let beforeRead: (() => Promise<unknown>) | undefined;

beforeAll(async () => {
  Object.assign(process.env, testAwsVariables());
  table = await createConnectionTable();
  client = new DynamoDBClient({});
  client.middlewareStack.add(
    (next, context) => async (args) => {
      sent.push(String(context.commandName).replace('Command', ''));
      if (context.commandName === 'GetItemCommand') {
        const run = beforeRead;
        beforeRead = undefined;
        await run?.();
      }
      const answer = await next(args);
      sent.push('answered');
      return answer;
    },
    { step: 'initialize' },
  );
  registry = new ConnectionRegistry(client, table);
});
beforeEach(() => {
  sent = [];
});
afterAll(() => client.destroy());

const userCap = (most: number, id = randomUUID()): ConnectionCap => ({ by: 'user', id, most });

/** Opens a connection. @returns its id, and what refused it. */
async function open(caps: ConnectionCap[], connectedAt = Date.now()) {
  const connectionId = randomUUID();
  const userId = caps[0]?.id ?? randomUUID();
  return { connectionId, refusedBy: await registry.add({ connectionId, userId, username: 'Ada', connectedAt }, caps) };
}

/** The fields of a counter. */
async function counter({ by, id }: ConnectionCap): Promise<Record<string, unknown>> {
  const Key = marshall({ connectionId: `${by}#${id}`, sessionId: '-' });
  const { Item } = await client.send(new GetItemCommand({ TableName: table, Key, ConsistentRead: true }));
  return Item ? unmarshall(Item) : {};
}

test('[CO1] of thirty handshakes at the same time exactly as many succeed as the cap allows, and only these are stored', async () => {
  const cap = userCap(10);
  const all = await Promise.all(Array.from({ length: 30 }, () => open([cap])));
  const accepted = all.filter(({ refusedBy }) => refusedBy === undefined);
  expect(accepted).toHaveLength(10);
  expect(all.filter(({ refusedBy }) => refusedBy === 'user')).toHaveLength(20);
  expect((await registry.connectionsOf(cap.id)).sort()).toEqual(accepted.map((one) => one.connectionId).sort());
});

test('[CO1] the end of a connection makes room for one other, also if it is reported twice', async () => {
  const cap = userCap(2);
  const [first] = [await open([cap]), await open([cap])];
  await Promise.all([registry.remove(first.connectionId), registry.remove(first.connectionId)]);
  await registry.remove(first.connectionId);
  expect((await open([cap])).refusedBy).toBeUndefined();
  expect((await open([cap])).refusedBy).toBe('user');
});

test('[CO1] a handshake that one cap refuses does not count under another', async () => {
  const address: ConnectionCap = { by: 'address', id: randomUUID(), most: 1 };
  const [user, other] = [userCap(1), userCap(1)];
  await open([user, address]);
  expect((await open([other, address])).refusedBy).toBe('address');
  expect(await counter(other)).toMatchObject({ total: 0 });
  expect(await counter(address)).toMatchObject({ total: 1 });
});

test('[CO1] connections whose end was never reported are dropped once they must have ended', async () => {
  const cap = userCap(3);
  const opened = Date.UTC(2026, 0, 1, 12, 59);
  for (let count = 0; count < 3; count += 1) await open([cap], opened);
  expect((await open([cap], opened + 2 * hour)).refusedBy).toBe('user');
  const late = opened + 3 * hour;
  const all = await Promise.all(Array.from({ length: 6 }, () => open([cap], late)));
  expect(all.filter(({ refusedBy }) => refusedBy === undefined)).toHaveLength(3);
  expect(await counter(cap)).toMatchObject({ total: 3 });
});

test('[CO1] if many handshakes at the same time drop the same hours, no more connections than the cap succeed', async () => {
  const opened = Date.UTC(2026, 0, 1, 12, 59);
  for (let round = 0; round < 20; round += 1) {
    const cap = userCap(2);
    for (let count = 0; count < 2; count += 1) await open([cap], opened);
    const all = await Promise.all(Array.from({ length: 12 }, () => open([cap], opened + 3 * hour)));
    expect(all.filter(({ refusedBy }) => refusedBy === undefined)).toHaveLength(2);
  }
});

test.each([
  ['drops the same hours and takes part of the room', [3], [undefined, undefined]],
  ['drops the same hours and takes all the room', [3, 3], [undefined, undefined, 'user']],
  ['comes too early to drop them', [2], ['user', undefined]],
])('[CO1] a handshake races with another one that %s', async (_, others, refused) => {
  const opened = Date.UTC(2026, 0, 1, 12, 59);
  const cap = userCap(2);
  for (let count = 0; count < 2; count += 1) await open([cap], opened);
  const results: { refusedBy: unknown }[] = [];
  beforeRead = async () => {
    for (const hours of others) results.push(await open([cap], opened + hours * hour));
  };
  results.push(await open([cap], opened + 3 * hour));
  expect(results.map(({ refusedBy }) => refusedBy)).toEqual(refused);
});

test('[CO1] a connection that ends after its counter dropped it changes nothing', async () => {
  const cap = userCap(1);
  const opened = Date.UTC(2026, 0, 1, 12);
  const old = await open([cap], opened);
  await open([cap], opened + 4 * hour);
  await registry.remove(old.connectionId);
  expect(await counter(cap)).toMatchObject({ total: 1 });
});

test('[CO1] the counter of a busy address does not grow', async () => {
  const cap = userCap(1000);
  const opened = Date.UTC(2026, 0, 1);
  for (let hours = 0; hours < 30; hours += 1) await open([cap], opened + hours * hour);
  expect(Object.keys(await counter(cap)).filter((name) => /^h\d/.test(name)).length).toBeLessThanOrEqual(4);
});

test('[CO1] a handshake sends its writes at the same time', async () => {
  await open([userCap(5), { by: 'address', id: randomUUID(), most: 5 }]);
  expect(sent.slice(0, sent.indexOf('answered')).sort()).toEqual(['PutItem', 'UpdateItem', 'UpdateItem']);
  expect(sent).toHaveLength(6);
});

describe('[CO1] the caps of a caller', () => {
  const most = { user: 1, invite: 2, address: 3 };
  const guest = { sessionId: 's', invite: 'token', inviteId: 'i1' };

  test.each([
    ['a user', { userId: 'u', guest: undefined, ipAddress: '192.0.2.1' }, ['user u 1', 'address 192.0.2.1 3']],
    ['a guest', { userId: 'u', guest, ipAddress: '192.0.2.1' }, ['invite i1 2', 'address 192.0.2.1 3']],
    ['an unknown address', { userId: 'u', guest: undefined, ipAddress: null }, ['user u 1']],
    ['IPv6', { userId: 'u', guest: undefined, ipAddress: '2001:DB8:0:1::5:6' }, ['user u 1', 'address 2001:db8:0:1 3']],
    ['short IPv6', { userId: 'u', guest: undefined, ipAddress: '2001:db8::1' }, ['user u 1', 'address 2001:db8:0:0 3']],
  ])('%s', (_, caller, expected) => {
    expect(capsFor(caller, most).map((cap) => `${cap.by} ${cap.id} ${cap.most}`)).toEqual(expected);
  });
});
