import { changedAssembly, propertiesOf } from './fixtures/assembly.ts';
import { type FixtureStack, startFixtureStack } from './fixtures/fixture-stack.ts';
import { SocketClient } from './fixtures/socket-client.ts';

let stack: FixtureStack;
let client: SocketClient;

beforeEach(async () => {
  stack = await startFixtureStack({ environment: { LOG_LEVEL: 'DEBUG' } });
  client = await SocketClient.open(`${stack.websocket}?token=ada`);
});
afterEach(() => stack.close());

const one = (wish = '', millis = 0) => ({ type: 'one', wish, millis });

test('an environment is reused for the next event', async () => {
  const answers = [await client.ask(one()), await client.ask(one()), await client.ask(one())];
  expect(answers.map(({ served }) => served)).toEqual([1, 2, 3]);
});

test('an environment handles one event at a time; concurrent events get more environments', async () => {
  for (let index = 0; index < 4; index += 1) client.send(one('sleep', 400));
  const answers = await Promise.all([0, 1, 2, 3].map((index) => client.message(index)));
  expect(answers.map(({ concurrent }) => concurrent)).toEqual([1, 1, 1, 1]);
  expect(answers.filter(({ served }) => served === 1).length).toBeGreaterThan(1);
});

test('the code of a function is compiled once and stored for its next environments, and the function does not notice', async () => {
  const assembly = await changedAssembly(() => {});
  const stack = await startFixtureStack({ assemblyDirectory: assembly.directory });
  const caller = await SocketClient.open(`${stack.websocket}?token=ada`);
  const { compiled, cacheVariable } = await caller.ask(one());
  expect(compiled).toBeGreaterThan(0);
  expect(cacheVariable).toBeUndefined();
  await stack.close();
  await assembly.remove();
});

test('between two events an environment is frozen: no timer fires', async () => {
  const started = await client.ask(one('tick'));
  await client.ask({ type: 'echo' });
  await new Promise((resolve) => setTimeout(resolve, 100));
  const { ticks } = await client.ask(one());
  expect(started.ticks).toBe(0);
  // One turn of the event loop runs before the next event, so a due timer may fire once, but not a hundred times.
  expect(ticks).toBeLessThanOrEqual(2);
});

test('the context contains the name of the function and its remaining time', async () => {
  const { remaining, name } = await client.ask(one());
  expect(remaining).toBeGreaterThan(0);
  expect(remaining).toBeLessThanOrEqual(1000);
  expect(name).toMatch(/^oneFunction/);
});

test('at the time-out the environment of an event is killed, even in an endless loop', async () => {
  const before = performance.now();
  expect(await client.ask(one('spin'))).toMatchObject({ message: 'Internal server error' });
  expect(performance.now() - before).toBeGreaterThanOrEqual(1000);
  expect(stack.lines.find((line) => line.includes('Task timed out after 1.00 seconds'))).toMatch(/ERROR one /);
  expect(await client.ask(one())).toMatchObject({ served: 1 });
});

test('when an environment ends, its event fails and it is replaced', async () => {
  const id = await client.id();
  expect(await client.ask({ type: 'echo', wish: 'exit' })).toMatchObject({ message: 'Internal server error' });
  expect(stack.lines.some((line) => line.includes('Runtime.ExitError'))).toBe(true);
  expect((await client.ask({ type: 'echo' })).requestContext.connectionId).toBe(id);
});

test('an unhandled rejection ends the environment, but not the stack', async () => {
  await client.ask(one('reject'));
  const next = await client.ask(one());
  // The rejection is raised when the environment resumes. This event fails by it, or gets the next environment.
  if (next.message) expect(next.message).toBe('Internal server error');
  expect((await client.ask(one())).served).toBeGreaterThanOrEqual(1);
});

test('above its reserved concurrency a function gets no more environments', async () => {
  const assembly = await changedAssembly((template) => {
    propertiesOf(template, 'AWS::Lambda::Function', (p) => p['Handler'] === 'one.handler')[
      'ReservedConcurrentExecutions'
    ] = 1;
  });
  const narrow = await startFixtureStack({ assemblyDirectory: assembly.directory });
  const caller = await SocketClient.open(`${narrow.websocket}?token=ada`);
  caller.send(one('sleep', 300));
  caller.send(one());
  const answers = [await caller.message(0), await caller.message(1)];
  expect(answers.filter(({ message }) => message === 'Internal server error')).toHaveLength(1);
  expect(answers.filter(({ served }) => served === 1)).toHaveLength(1);
  await narrow.close();
  await assembly.remove();
});

test('with LOG_LEVEL=DEBUG each invocation is one line: function, route, duration, outcome', async () => {
  await client.ask(one());
  expect(stack.lines).toContainEqual(expect.stringMatching(/^\d\d:\d\d:\d\d\.\d{3} DEBUG one {2}one \d+\.\d ms 200$/));
});
