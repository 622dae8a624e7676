import { randomUUID } from 'node:crypto';
import {
  BatchWriteItemCommand,
  CreateTableCommand,
  DeleteTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { ConnectionRegistry, type Membership } from '../../lambdas/delivery/connection-registry.ts';
import { tableKeys } from '../../lambdas/runtime/environment.ts';
import { testAddresses } from '../support/addresses.ts';

const keys = tableKeys.connections;
const table = `connections-${randomUUID()}`;
let client: DynamoDBClient;
let registry: ConnectionRegistry;

beforeAll(async () => {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  client = new DynamoDBClient({ endpoint: testAddresses.dynamodb, region: 'us-east-1', credentials });
  registry = new ConnectionRegistry(client, table);
  const schema = (partition: string, sort: string) => [
    { AttributeName: partition, KeyType: 'HASH' as const },
    { AttributeName: sort, KeyType: 'RANGE' as const },
  ];
  const attributes = new Set(
    [keys, ...Object.values(keys.indexes)].flatMap(({ partitionKey, sortKey }) => [partitionKey, sortKey]),
  );
  await client.send(
    new CreateTableCommand({
      TableName: table,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: schema(keys.partitionKey, keys.sortKey),
      AttributeDefinitions: [...attributes].map((AttributeName) => ({
        AttributeName,
        AttributeType: 'S' as const,
      })),
      GlobalSecondaryIndexes: Object.entries(keys.indexes).map(([IndexName, index]) => ({
        IndexName,
        KeySchema: schema(index.partitionKey, index.sortKey),
        Projection: { ProjectionType: 'ALL' as const },
      })),
    }),
  );
  for (let status = ''; status !== 'ACTIVE'; ) {
    const { Table } = await client.send(new DescribeTableCommand({ TableName: table }));
    status = Table!.GlobalSecondaryIndexes!.every((index) => index.IndexStatus === 'ACTIVE') ? Table!.TableStatus! : '';
  }
});
afterAll(async () => {
  await client.send(new DeleteTableCommand({ TableName: table }));
  client.destroy();
});

function membership(changes: Partial<Membership> = {}): Membership {
  return {
    connectionId: randomUUID(),
    sessionId: randomUUID(),
    sessionName: 'SESSION-20260101-TEST',
    userId: randomUUID(),
    username: 'Ada',
    role: 'viewer',
    joinedAt: Date.now(),
    ...changes,
  };
}

const byId = (one: { connectionId: string; sessionId: string }, other: typeof one) =>
  one.connectionId + one.sessionId < other.connectionId + other.sessionId ? -1 : 1;

test('a join is found by connection and by session, and a second one replaces the first', async () => {
  const joined = membership();
  await registry.join(joined);
  await registry.join({ ...joined, role: 'operator' });
  const stored = expect.objectContaining({ ...joined, role: 'operator' });
  expect(await registry.membership(joined.connectionId, joined.sessionId)).toEqual(stored);
  expect(await registry.memberships(joined.connectionId)).toEqual([stored]);
  expect(await registry.members(joined.sessionId)).toEqual([stored]);
  await registry.leave(joined.connectionId, joined.sessionId);
  expect(await registry.membership(joined.connectionId, joined.sessionId)).toBeUndefined();
  expect(await registry.members(joined.sessionId)).toEqual([]);
  await registry.leave(joined.connectionId, joined.sessionId);
});

test('the form a connection takes cursors in is kept with it, and nowhere for one that is gone', async () => {
  const connection = { connectionId: randomUUID(), userId: randomUUID(), username: 'Ada', connectedAt: Date.now() };
  await registry.add(connection);
  for (const compact of [true, false]) {
    expect(await registry.setCompact(connection.connectionId, compact)).toBe(true);
    expect(await registry.isCompact(connection.connectionId)).toBe(compact);
  }
  await registry.remove(connection.connectionId);
  expect(await registry.setCompact(connection.connectionId, true)).toBe(false);
  expect(await registry.isCompact(connection.connectionId)).toBe(false);
});

test('[FA6] a membership is taken back unless the connection has joined again since', async () => {
  const joined = membership();
  await registry.join(joined);
  await registry.join({ ...joined, joinedAt: joined.joinedAt + 1 });
  expect(await registry.takeBack(joined)).toBe(false);
  expect(await registry.membership(joined.connectionId, joined.sessionId)).toBeDefined();
  expect(await registry.takeBack({ ...joined, joinedAt: joined.joinedAt + 1 })).toBe(true);
  expect(await registry.membership(joined.connectionId, joined.sessionId)).toBeUndefined();
  expect(await registry.takeBack(joined)).toBe(true);
});

test('every open connection of a user is known, whatever it joined', async () => {
  const userId = randomUUID();
  const connectionIds = ['a', 'b'].map(() => randomUUID()).sort();
  for (const connectionId of connectionIds) {
    await registry.add({ connectionId, userId, username: 'Ada', connectedAt: Date.now() });
    await registry.join(membership({ connectionId, userId }));
  }
  expect((await registry.connectionsOf(userId)).sort()).toEqual(connectionIds);
  await registry.remove(connectionIds[0]!);
  expect(await registry.connectionsOf(userId)).toEqual([connectionIds[1]]);
});

test('[PR8] a connection ends with all that it joined, more than one batch, and no other; twice is as good as once', async () => {
  const connectionId = randomUUID();
  const other = membership();
  await registry.add({ connectionId, userId: other.userId, username: 'Ada', connectedAt: Date.now() });
  await registry.join(other);
  const joined = Array.from({ length: 60 }, () => membership({ connectionId }));
  joined[0] = { ...joined[0]!, sessionId: other.sessionId };
  for (const one of joined) await registry.join(one);
  const removed = await registry.remove(connectionId);
  const ids = (list: Membership[]) => list.sort(byId).map((one) => one.sessionId);
  expect(ids(removed)).toEqual(ids(joined));
  expect(await registry.memberships(connectionId)).toEqual([]);
  expect(await registry.remove(connectionId)).toEqual([]);
  expect(await registry.members(other.sessionId)).toHaveLength(1);
});

test('[SE8] a role changes on all connections of that user in that session only', async () => {
  const mine = membership();
  const tab = membership({ sessionId: mine.sessionId, userId: mine.userId });
  const elsewhere = membership({ userId: mine.userId, connectionId: mine.connectionId });
  const somebody = membership({ sessionId: mine.sessionId });
  for (const one of [mine, tab, elsewhere, somebody]) await registry.join(one);
  await registry.relabel(mine.sessionId, mine.userId, 'operator');
  const roles = await Promise.all(
    [mine, tab, elsewhere, somebody].map((one) => registry.membership(one.connectionId, one.sessionId)),
  );
  expect(roles.map((one) => one!.role)).toEqual(['operator', 'operator', 'viewer', 'viewer']);
});

test('[PR5] the choice to be invisible is written down at every seat of the user in that session', async () => {
  const mine = membership();
  const tab = membership({ userId: mine.userId, sessionId: mine.sessionId });
  const elsewhere = membership({ userId: mine.userId, connectionId: mine.connectionId });
  const somebody = membership({ sessionId: mine.sessionId });
  const seats = [mine, tab, elsewhere, somebody];
  for (const one of seats) await registry.join(one);
  const invisible = async () =>
    Promise.all(seats.map(async (one) => (await registry.membership(one.connectionId, one.sessionId))?.invisible));
  await registry.setInvisible(mine, true);
  expect(await invisible()).toEqual([true, true, undefined, undefined]);
  await registry.setInvisible(tab, false);
  expect(await invisible()).toEqual([false, false, undefined, undefined]);
});

test('memberships are forgotten while their connections stay', async () => {
  const one = membership();
  await registry.add({ connectionId: one.connectionId, userId: one.userId, username: 'Ada', connectedAt: Date.now() });
  await registry.join(one);
  await registry.leaveAll([one]);
  expect(await registry.memberships(one.connectionId)).toEqual([]);
  expect(await registry.connectionsOf(one.userId)).toEqual([one.connectionId]);
  await registry.leaveAll([]);
});

test('all members of a large session are found, page after page', async () => {
  const sessionId = randomUUID();
  // DynamoDB answers a megabyte at most; names this long make a page of some 300 members.
  const username = 'x'.repeat(3000);
  const members = Array.from({ length: 400 }, () => membership({ sessionId, username }));
  for (let first = 0; first < members.length; first += 50) {
    await Promise.all(members.slice(first, first + 50).map((member) => registry.join(member)));
  }
  expect(await registry.members(sessionId)).toHaveLength(400);
});

describe('with a table that answers in part', () => {
  const answering = new DynamoDBClient({ region: 'us-east-1' });
  const mock = mockClient(answering);
  const partial = new ConnectionRegistry(answering, 'table');
  beforeEach(() => mock.reset());

  test('what was not deleted is tried again', async () => {
    const left = [{ DeleteRequest: { Key: marshall({ connectionId: 'c', sessionId: 's2' }) } }];
    mock
      .on(BatchWriteItemCommand)
      .resolvesOnce({ UnprocessedItems: { table: left } })
      .resolves({});
    await partial.leaveAll(['s1', 's2'].map((sessionId) => ({ connectionId: 'c', sessionId })));
    const calls = mock.commandCalls(BatchWriteItemCommand).map((call) => call.args[0].input.RequestItems!['table']);
    expect(calls.map((requests) => requests!.length)).toEqual([2, 1]);
    expect(calls[1]).toEqual(left);
  });

  test('a connection that left meanwhile does not come back as half an item', async () => {
    mock.on(QueryCommand).resolves({ Items: [marshall(membership({ userId: 'u' }))] });
    mock.on(UpdateItemCommand).rejects(Object.assign(new Error(), { name: 'ConditionalCheckFailedException' }));
    await partial.relabel('s', 'u', 'operator');
    mock.on(UpdateItemCommand).rejects(new Error('away'));
    await expect(partial.relabel('s', 'u', 'operator')).rejects.toThrow('away');
  });
});

describe('[PR18] joins and leaves of a connection that are served in another order than they were sent', () => {
  const at = (receivedAt: number, order?: number) => (order === undefined ? { receivedAt } : { receivedAt, order });

  test.each([
    { how: 'by their numbers', first: at(9, 1), second: at(5, 2), third: at(1, 3) },
    { how: 'by the time of reception where they have no number', first: at(1), second: at(2), third: at(3) },
    { how: 'by the time of reception where only one has a number', first: at(1, 7), second: at(2), third: at(3, 1) },
  ])('are decided $how', async ({ first, second, third }) => {
    const joined = membership();
    const { connectionId, sessionId } = joined;
    expect(await registry.leave(connectionId, sessionId, second)).toBe(true);
    expect(await registry.join({ ...joined, frame: first })).toBe(false);
    expect(await registry.membership(connectionId, sessionId)).toBeUndefined();
    expect(await registry.members(sessionId)).toEqual([]);
    expect(await registry.memberships(connectionId)).toEqual([]);
    expect(await registry.lastFrame(connectionId, sessionId)).toMatchObject({ connectionId, sessionId, frame: second });

    expect(await registry.join({ ...joined, frame: third })).toBe(true);
    expect(await registry.leave(connectionId, sessionId, second)).toBe(false);
    expect(await registry.membership(connectionId, sessionId)).toMatchObject({ userId: joined.userId, frame: third });
  });

  test('the end of a connection removes what was kept of its leaves', async () => {
    const { connectionId, sessionId } = membership();
    await registry.leave(connectionId, sessionId, at(1, 1));
    expect(await registry.remove(connectionId)).toEqual([]);
    expect(await registry.lastFrame(connectionId, sessionId)).toBeUndefined();
  });

  test('a change of role or visibility makes nobody a member who has left', async () => {
    const joined = membership();
    await registry.join({ ...joined, frame: at(1, 1) });
    await registry.leave(joined.connectionId, joined.sessionId, at(2, 2));
    await registry.setInvisible(joined, true);
    await registry.relabel(joined.sessionId, joined.userId, 'operator');
    expect(await registry.membership(joined.connectionId, joined.sessionId)).toBeUndefined();
  });

  test('of two choices of visibility the one with the larger number stands', async () => {
    const joined = membership();
    await registry.join(joined);
    await registry.setInvisible(joined, false, 6);
    await registry.setInvisible(joined, true, 5);
    expect(await registry.membership(joined.connectionId, joined.sessionId)).toMatchObject({ invisible: false });
    await registry.setInvisible(joined, true, 7);
    expect(await registry.membership(joined.connectionId, joined.sessionId)).toMatchObject({ invisible: true });
  });
});
