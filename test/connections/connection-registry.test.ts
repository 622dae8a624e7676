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
import { ConnectionRegistry, type Membership } from '../../lambdas/connections/connection-registry.ts';
import { tableKeys } from '../../lambdas/platform/environment.ts';
import { Overtaken } from '../../lambdas/platform/turn.ts';
import { testAddresses } from '../support/addresses.ts';
import { losingAnswers } from '../support/lossy-dynamodb.ts';

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

test('a membership is found by connection and by session, and a second join replaces it', async () => {
  const joined = membership();
  expect((await registry.join(joined)).isNew).toBe(true);
  expect((await registry.join({ ...joined, role: 'operator' })).isNew).toBe(false);
  const stored = expect.objectContaining({ ...joined, role: 'operator' });
  expect(await registry.membership(joined.connectionId, joined.sessionId)).toEqual(stored);
  expect(await registry.memberships(joined.connectionId)).toEqual([stored]);
  expect(await registry.members(joined.sessionId)).toEqual([stored]);
  await registry.leave(joined.connectionId, joined.sessionId);
  expect(await registry.membership(joined.connectionId, joined.sessionId)).toBeUndefined();
  expect(await registry.members(joined.sessionId)).toEqual([]);
  await registry.leave(joined.connectionId, joined.sessionId);
});

test('the cursor form of a connection is stored with it, and not for a connection that is gone', async () => {
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

test('[FA6] the undo of a join deletes its membership, unless the connection has joined again since', async () => {
  const { membership: first } = await registry.join(membership());
  const { membership: second } = await registry.join(first);
  expect(await registry.takeBack(first)).toBe(false);
  expect(await registry.membership(first.connectionId, first.sessionId)).toBeDefined();
  expect(await registry.takeBack(second)).toBe(true);
  expect(await registry.membership(first.connectionId, first.sessionId)).toBeUndefined();
  expect(await registry.takeBack(first)).toBe(true);
});

describe('[PR18] joins and leaves of one connection in one session', () => {
  const [early, late] = [
    { order: 1, receivedAt: 20 },
    { order: 2, receivedAt: 10 },
  ];
  test.each([
    { first: late, second: early, isOvertaken: true, by: 'order' },
    { first: early, second: late, isOvertaken: false, by: 'order' },
    { first: early, second: early, isOvertaken: false, by: 'the same order' },
    { first: { receivedAt: 2 }, second: { receivedAt: 1 }, isOvertaken: true, by: 'the time of reception' },
    { first: { receivedAt: 1 }, second: { receivedAt: 1 }, isOvertaken: false, by: 'the same time' },
    {
      first: { order: 9, receivedAt: 1 },
      second: { receivedAt: 2 },
      isOvertaken: false,
      by: 'the time of one of them',
    },
    { first: { receivedAt: 2 }, second: { order: 9, receivedAt: 1 }, isOvertaken: true, by: 'the time of one of them' },
    { first: {}, second: {}, isOvertaken: false, by: 'nothing' },
  ])('the later of a join and a leave decides, by $by: $first, $second', async ({ first, second, isOvertaken }) => {
    const one = membership();
    const { connectionId, sessionId } = one;
    expect((await registry.leave(connectionId, sessionId, first)).membership).toBeUndefined();
    const joining = registry.join(one, second);
    await (isOvertaken ? expect(joining).rejects.toThrow(Overtaken) : joining);
    expect((await registry.membership(connectionId, sessionId)) === undefined).toBe(isOvertaken);
    expect(await registry.hasLeftAfter(connectionId, sessionId, second)).toBe(isOvertaken);
  });

  test('each join or leave is one request to DynamoDB, in order, out of order, or without `order`', async () => {
    const send = jest.spyOn(client, 'send');
    try {
      const one = membership();
      const { connectionId, sessionId } = one;
      await registry.join(one);
      expect(send).toHaveBeenCalledTimes(1);
      await registry.leave(connectionId, sessionId, late);
      expect(send).toHaveBeenCalledTimes(2);
      await expect(registry.join(one, early)).rejects.toThrow(Overtaken);
      expect(send).toHaveBeenCalledTimes(3);
    } finally {
      send.mockRestore();
    }
  });

  test('the result of a join says whether it is the first one of its connection, also after a leave', async () => {
    const one = membership();
    const { connectionId, sessionId } = one;
    expect(await registry.join(one)).toMatchObject({ isNew: true, isFirst: true });
    expect(await registry.join(one)).toMatchObject({ isNew: false, isFirst: false });
    await registry.leave(connectionId, sessionId);
    expect(await registry.join({ ...one, joinedAt: one.joinedAt + 1000 })).toMatchObject({
      isNew: true,
      isFirst: false,
    });
  });

  test('[FA4] a join and a leave whose first answer is late, and which the client therefore repeats, tell what they changed', async () => {
    const lossy = new ConnectionRegistry(losingAnswers(client), table);
    const one = membership();
    const { connectionId, sessionId } = one;
    expect(await lossy.join(one)).toMatchObject({ isNew: true });
    expect(await lossy.join(one)).toMatchObject({ isNew: false });
    const known = await registry.membership(connectionId, sessionId);
    expect(known).not.toHaveProperty('lastWrite');
    expect((await lossy.leave(connectionId, sessionId)).membership).toMatchObject({ userId: one.userId });
    expect((await lossy.leave(connectionId, sessionId)).membership).toBeUndefined();
    expect(await lossy.join(known!)).toMatchObject({ isNew: true });
  });

  test('a leave that is handled after a later join does not end it', async () => {
    const { membership: joined } = await registry.join(membership(), late);
    const { connectionId, sessionId } = joined;
    await expect(registry.leave(connectionId, sessionId, early)).rejects.toThrow(Overtaken);
    expect(await registry.membership(connectionId, sessionId)).toBeDefined();
  });

  test('each join and leave has a higher version than the one before, and a leave returns the membership that it ended', async () => {
    const { membership: joined } = await registry.join(membership(), early);
    const { connectionId, sessionId, version } = joined;
    const left = await registry.leave(connectionId, sessionId, late);
    expect(left).toMatchObject({ version: version! + 1, membership: { userId: joined.userId, version } });
    expect((await registry.join(joined, { order: 3 })).membership.version).toBe(version! + 2);
  });

  test('the item that remains after a leave is no membership, and is deleted with the connection', async () => {
    const { membership: joined } = await registry.join(membership());
    const { connectionId, sessionId } = joined;
    await registry.leave(connectionId, sessionId);
    expect(await registry.memberships(connectionId)).toEqual([]);
    await registry.changeRole(sessionId, 'anybody', 'operator');
    expect(await registry.remove(connectionId)).toEqual([]);
    expect(await registry.hasLeftAfter(connectionId, sessionId, { receivedAt: 0 })).toBe(false);
    const { Count } = await client.send(
      new QueryCommand({
        TableName: table,
        KeyConditionExpression: 'connectionId = :one',
        ExpressionAttributeValues: marshall({ ':one': connectionId }),
      }),
    );
    expect(Count).toBe(0);
  });

  test('a field of a membership can be removed without setting another field', async () => {
    const { membership: joined } = await registry.join(membership({ unseated: true }));
    const { connectionId, sessionId } = joined;
    expect(await registry.amend(joined, { unseated: undefined })).toBe(true);
    expect(await registry.membership(connectionId, sessionId)).not.toHaveProperty('unseated');
    const ofEarlierRelease = { ...joined, version: undefined };
    expect(await registry.amend(ofEarlierRelease, { unseated: undefined })).toBe(false);
  });

  test('a membership is changed only while it is the newest', async () => {
    const { membership: joined } = await registry.join(membership());
    expect(await registry.amend(joined, { unseated: true })).toBe(true);
    const { membership: again } = await registry.join(joined);
    expect(await registry.amend(joined, { unseated: true })).toBe(false);
    const { connectionId, sessionId } = joined;
    expect((await registry.membership(connectionId, sessionId))!.unseated).toBeUndefined();
    await registry.leave(connectionId, sessionId);
    expect(await registry.amend(again, { unseated: true })).toBe(false);
    expect(await registry.membership(connectionId, sessionId)).toBeUndefined();
  });
});

test('all open connections of a user are found, with and without memberships', async () => {
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

test('[PR8] the end of a connection deletes all its memberships, more than one batch, and no other; it can run twice', async () => {
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

test('[PR7] [DE6] a connection that is gone is in no session any more, and its seats are known until its $disconnect event', async () => {
  const connectionId = randomUUID();
  const userId = randomUUID();
  await registry.add({ connectionId, userId, username: 'Ada', connectedAt: Date.now() });
  const [mine, left] = [membership({ connectionId, userId }), membership({ connectionId, userId })];
  for (const one of [mine, left]) await registry.join(one);
  await registry.leave(connectionId, left.sessionId);
  expect((await registry.ending(connectionId)).gone).toEqual([]);
  // Two frames may find the connection gone at the same time.
  for (let time = 0; time < 2; time += 1) await registry.removeGone(connectionId, Date.now());
  expect(await registry.memberships(connectionId)).toEqual([]);
  expect(await registry.membership(connectionId, mine.sessionId)).toBeUndefined();
  expect(await registry.members(mine.sessionId)).toEqual([]);
  expect(await registry.connectionsOf(userId)).toEqual([]);
  const seat = { connectionId, sessionId: mine.sessionId, userId };
  expect(await registry.ending(connectionId)).toEqual({ memberships: [], gone: [seat] });
  await registry.remove(connectionId);
  expect(await registry.ending(connectionId)).toEqual({ memberships: [], gone: [] });
});

test('[PR18] a late join of a connection that is gone is a membership again', async () => {
  const { membership: mine } = await registry.join(membership());
  await registry.removeGone(mine.connectionId, Date.now());
  expect((await registry.join(mine)).isNew).toBe(true);
  const { memberships, gone } = await registry.ending(mine.connectionId);
  expect([memberships.length, gone.length]).toEqual([1, 0]);
});

test('[SE8] a role changes on all connections of the user in that session and in no other', async () => {
  const mine = membership();
  const tab = membership({ sessionId: mine.sessionId, userId: mine.userId });
  const elsewhere = membership({ userId: mine.userId, connectionId: mine.connectionId });
  const somebody = membership({ sessionId: mine.sessionId });
  for (const one of [mine, tab, elsewhere, somebody]) await registry.join(one);
  await registry.changeRole(mine.sessionId, mine.userId, 'operator');
  const roles = await Promise.all(
    [mine, tab, elsewhere, somebody].map((one) => registry.membership(one.connectionId, one.sessionId)),
  );
  expect(roles.map((one) => one!.role)).toEqual(['operator', 'operator', 'viewer', 'viewer']);
});

test('[PR5] the choice to be invisible is stored in all memberships of the user in that session', async () => {
  const mine = membership();
  const tab = membership({ userId: mine.userId, sessionId: mine.sessionId });
  const elsewhere = membership({ userId: mine.userId, connectionId: mine.connectionId });
  const somebody = membership({ sessionId: mine.sessionId });
  const seats = [mine, tab, elsewhere, somebody];
  for (const one of seats) await registry.join(one);
  const invisible = async () =>
    Promise.all(seats.map(async (one) => (await registry.membership(one.connectionId, one.sessionId))?.invisible));
  await registry.setInvisible(mine, true, 10);
  expect(await invisible()).toEqual([true, true, undefined, undefined]);
  await registry.setInvisible(tab, false, 12);
  expect(await invisible()).toEqual([false, false, undefined, undefined]);
  // An earlier choice is stored late.
  await registry.setInvisible(mine, true, 11);
  expect(await invisible()).toEqual([false, false, undefined, undefined]);
});

test('[PR5] a new connection of an invisible user gets that choice, and a later choice replaces it', async () => {
  const [mine, other] = [membership(), membership()];
  for (const one of [mine, other]) await registry.join(one);
  const invisible = async () =>
    Promise.all(
      [mine, other].map(async (one) => (await registry.membership(one.connectionId, one.sessionId))?.invisible),
    );
  await registry.inheritInvisible(mine, 10);
  // The end of an earlier choice is stored late.
  await registry.setInvisible(mine, false, 9);
  expect(await invisible()).toEqual([true, undefined]);
  await registry.setInvisible(mine, false, 11);
  await registry.inheritInvisible(mine, 10);
  expect(await invisible()).toEqual([false, undefined]);
});

test('[PR5] [PR16] the own state of a user stays if their connection joins again, and ends with a leave', async () => {
  const mine = membership();
  const ownState = async () => {
    const { invisible, data } = (await registry.membership(mine.connectionId, mine.sessionId))!;
    return { invisible, data };
  };
  await registry.join(mine);
  await registry.setInvisible(mine, true, 10);
  await registry.setData(mine, { text: '{"a":1}', at: 10, isShared: false });
  const again = await registry.join({ ...mine, data: '{"a":2}', dataAt: 20 });
  expect(again).toMatchObject({ kept: '{"a":1}', membership: { invisible: true, data: '{"a":1}', dataAt: 10 } });
  expect(await ownState()).toEqual({ invisible: true, data: '{"a":1}' });
  // A choice that was made before the first join is stored late.
  await registry.setInvisible(mine, false, 9);
  expect(await ownState()).toMatchObject({ invisible: true });
  expect((await registry.join({ ...mine, invisible: false })).membership.invisible).toBe(false);
  expect(await ownState()).toMatchObject({ invisible: false });
  await registry.setInvisible(mine, true, 11);
  expect(await ownState()).toMatchObject({ invisible: true });
  await registry.leave(mine.connectionId, mine.sessionId);
  expect(await registry.join(mine)).toMatchObject({ kept: undefined, membership: { invisible: undefined } });
  expect(await ownState()).toEqual({ invisible: undefined, data: undefined });
});

test('memberships can be deleted without their connections', async () => {
  const one = membership();
  await registry.add({ connectionId: one.connectionId, userId: one.userId, username: 'Ada', connectedAt: Date.now() });
  await registry.join(one);
  await registry.leaveAll([one]);
  expect(await registry.memberships(one.connectionId)).toEqual([]);
  expect(await registry.connectionsOf(one.userId)).toEqual([one.connectionId]);
  await registry.leaveAll([]);
});

test('all members of a large session are found over several pages', async () => {
  const sessionId = randomUUID();
  // An answer of DynamoDB has at most one megabyte; with names of this length that is about 300 members.
  const username = 'x'.repeat(3000);
  const members = Array.from({ length: 400 }, () => membership({ sessionId, username }));
  for (let first = 0; first < members.length; first += 50) {
    await Promise.all(members.slice(first, first + 50).map((member) => registry.join(member)));
  }
  expect(await registry.members(sessionId)).toHaveLength(400);
});

describe('if DynamoDB processes only a part of a batch', () => {
  const answering = new DynamoDBClient({ region: 'us-east-1' });
  const mock = mockClient(answering);
  const waits: number[] = [];
  const wait = async (millis: number) => void waits.push(millis);
  const partial = new ConnectionRegistry(answering, 'table', { wait, random: () => 0 });
  beforeEach(() => {
    mock.reset();
    waits.length = 0;
  });

  test('the rest of the deletions is retried', async () => {
    const left = [{ DeleteRequest: { Key: marshall({ connectionId: 'c', sessionId: 's2' }) } }];
    mock
      .on(BatchWriteItemCommand)
      .resolvesOnce({ UnprocessedItems: { table: left } })
      .resolves({});
    await partial.leaveAll(['s1', 's2'].map((sessionId) => ({ connectionId: 'c', sessionId })));
    const calls = mock.commandCalls(BatchWriteItemCommand).map((call) => call.args[0].input.RequestItems!['table']);
    expect(calls.map((requests) => requests!.length)).toEqual([2, 1]);
    expect(calls[1]).toEqual(left);
    expect(waits).toHaveLength(1);
  });

  test('[FA4] the retries stop within a second, after growing waits', async () => {
    const left = [{ DeleteRequest: { Key: marshall({ connectionId: 'c', sessionId: 's' }) } }];
    mock.on(BatchWriteItemCommand).resolves({ UnprocessedItems: { table: left } });
    await expect(partial.leaveAll([{ connectionId: 'c', sessionId: 's' }])).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      dependency: 'connections',
    });
    expect(mock.commandCalls(BatchWriteItemCommand)).toHaveLength(5);
    expect(waits).toEqual(waits.toSorted((one, other) => one - other));
    // With the smallest random number, each wait is half of its upper bound.
    expect(waits.reduce((sum, millis) => sum + 2 * millis, 0)).toBeLessThan(1000);
  });

  test('a change of a connection that has ended meanwhile creates no incomplete item', async () => {
    mock.on(QueryCommand).resolves({ Items: [marshall(membership({ userId: 'u' }))] });
    mock.on(UpdateItemCommand).rejects(Object.assign(new Error(), { name: 'ConditionalCheckFailedException' }));
    await partial.changeRole('s', 'u', 'operator');
    mock.on(UpdateItemCommand).rejects(new Error('away'));
    await expect(partial.changeRole('s', 'u', 'operator')).rejects.toThrow('away');
  });
});
