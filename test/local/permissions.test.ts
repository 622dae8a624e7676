import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPermissions } from '../../local/template/permissions.ts';
import { type FixtureStack, startFixtureStack } from './fixtures/fixture-stack.ts';
import { SocketClient } from './fixtures/socket-client.ts';

describe('a policy', () => {
  const arn = 'arn:aws:dynamodb:us-east-1:000000000000:table/things';
  const allow = (Action: string | string[], Resource: string | string[]) =>
    createPermissions([{ Effect: 'Allow', Action, Resource }]);

  test('allows only the named actions and resources', () => {
    const permissions = allow(['dynamodb:GetItem', 'dynamodb:PutItem'], arn);
    expect(permissions.allows('dynamodb:PutItem', arn)).toBe(true);
    expect(permissions.allows('dynamodb:DeleteItem', arn)).toBe(false);
    expect(permissions.allows('dynamodb:PutItem', `${arn}/index/byOwner`)).toBe(false);
    expect(permissions.allows('dynamodb:PutItem', `${arn}2`)).toBe(false);
  });

  test('supports only the wildcards of IAM', () => {
    expect(allow('dynamodb:Get*', `${arn}*`).allows('dynamodb:GetItem', `${arn}/index/byOwner`)).toBe(true);
    expect(allow('dynamodb:?etItem', '*').allows('dynamodb:GetItem', arn)).toBe(true);
    expect(allow('DynamoDB:getitem', arn).allows('dynamodb:GetItem', arn)).toBe(true);
    expect(allow('dynamodb:GetItem', 'arn.aws.dynamodb.*').allows('dynamodb:GetItem', arn)).toBe(false);
  });

  test('gives Deny priority over Allow', () => {
    const permissions = createPermissions([
      { Effect: 'Allow', Action: '*', Resource: '*' },
      { Effect: 'Deny', Action: 'dynamodb:DeleteItem', Resource: arn },
    ]);
    expect(permissions.allows('dynamodb:DeleteItem', arn)).toBe(false);
    expect(permissions.allows('dynamodb:GetItem', arn)).toBe(true);
  });
});

describe('a function', () => {
  let stack: FixtureStack;
  let client: SocketClient;
  let id: string;

  beforeAll(async () => {
    stack = await startFixtureStack();
    client = await SocketClient.open(`${stack.websocket}?token=ada`);
    id = await client.id();
  });
  afterAll(() => stack.close());

  const work = (wish: string, more: object = {}) => client.ask({ type: 'work', wish, ...more });

  test('may use a table as its role allows', async () => {
    expect(await work('put', { id: 'a' })).toMatchObject({ status: 200 });
    expect(await work('get', { id: 'a' })).toMatchObject({ status: 200, Item: { id: { S: 'a' } } });
  });

  test.each([
    ['an action on a table', 'deleteItem', 'dynamodb:DeleteItem'],
    ['another function', 'invokeEcho', 'lambda:InvokeFunction'],
    ['an end of a connection', 'close', 'execute-api:ManageConnections'],
  ])('is refused %s without a permission in its role, and the refusal is logged', async (_, wish, action) => {
    const answer = await work(wish, { id: 'a', to: id });
    expect(answer).toMatchObject({ error: 'AccessDeniedException' });
    expect(answer.message).toMatch(
      new RegExp(`^The role of the function workerFunction\\w+ does not allow ${action} on arn:aws:`),
    );
    expect(stack.lines.some((line) => line.includes(`ERROR permissions`) && line.includes(action))).toBe(true);
  });

  test('posts to a connection if its role allows POST', async () => {
    const before = client.received.length;
    client.send({ type: 'work', wish: 'post', to: id, data: '"from a function"' });
    const frames = [await client.message(before), await client.message(before + 1)];
    expect(frames).toContainEqual('from a function');
    expect(frames).toContainEqual(expect.objectContaining({ status: 200 }));
  });

  test('reads its secret, which is the same after a restart', async () => {
    const dataDirectory = await mkdtemp(join(tmpdir(), 'rollcall-restart-'));
    const read = async () => {
      const own = await startFixtureStack({ dataDirectory });
      const asking = await SocketClient.open(`${own.websocket}?token=ada`);
      const { SecretString } = await asking.ask({ type: 'work', wish: 'secret' });
      await own.close();
      return SecretString;
    };
    const secret = await read();
    expect(secret).toMatch(/^.{32}$/);
    expect(await read()).toBe(secret);
    await rm(dataDirectory, { recursive: true });
  });

  test('invokes another function synchronously and asynchronously', async () => {
    expect(JSON.parse((await work('invoke')).payload)).toEqual({ attempts: 1 });
    const seen = stack.recorder.of('timed').length;
    expect(await work('invoke', { later: true })).toMatchObject({ status: 202 });
    expect(await stack.recorder.next('timed', seen + 1)).toEqual({ from: 'worker' });
  });
});
