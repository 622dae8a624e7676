import { testAddresses } from '../support/addresses.ts';
import { type FixtureStack, startFixtureStack } from './fixtures/fixture-stack.ts';
import { SocketClient } from './fixtures/socket-client.ts';

let stack: FixtureStack;
let worker: Record<string, string>;
let echo: Record<string, string>;

beforeAll(async () => {
  process.env['ROLLCALL_OF_THE_SHELL'] = 'must not reach a function';
  stack = await startFixtureStack({ environment: { UNDECLARED: 'not for them', LOG_LEVEL: 'WARN' } });
  const client = await SocketClient.open(`${stack.websocket}?token=ada`);
  worker = (await client.ask({ type: 'work', wish: 'variables' })).variables;
  echo = await client.ask({ type: 'echo', wish: 'variables' });
  client.socket.close();
});
afterAll(() => stack.close());

test('a function gets the address of a store only if it declares it', async () => {
  expect(worker).toMatchObject({ REDIS_URL: testAddresses.redis, REDIS_CLUSTER: 'false' });
  const migrate = await stack.recorder.next('migrate');
  expect(migrate.database).toBe(testAddresses.database);
  for (const name of ['REDIS_URL', 'REDIS_CLUSTER', 'DATABASE_URL']) expect(echo).not.toHaveProperty(name);
  expect(worker).not.toHaveProperty('DATABASE_URL');
});

test("the stack's own URL is replaced by the local one", () => {
  expect(worker['MANAGEMENT_ENDPOINT']).toBe(stack.management);
});

test('a function gets the variables of the Lambda runtime, and none of the shell that started the stack', () => {
  expect(echo).toMatchObject({
    AWS_REGION: 'us-east-1',
    AWS_LAMBDA_FUNCTION_NAME: expect.stringMatching(/^echoFunction/),
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256',
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    _HANDLER: 'handler',
  });
  for (const name of ['ROLLCALL_OF_THE_SHELL', 'UNDECLARED', 'LOG_LEVEL', 'HOME', 'PATH']) {
    expect(echo).not.toHaveProperty(name);
  }
});

test('the migrations run once, before the stack is ready', () => {
  expect(stack.recorder.of('migrate')).toHaveLength(1);
  expect(stack.recorder.events[0]?.name).toBe('migrate');
});
