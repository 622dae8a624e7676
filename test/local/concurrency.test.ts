import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { WebSocket } from 'ws';
import { Faults } from '../../local/faults.ts';
import { SocketConnection } from '../../local/gateway/socket-connection.ts';
import { AsynchronousEvents } from '../../local/lambda/asynchronous-events.ts';
import { environmentLimit, quotasOf, throttled } from '../../local/lambda/concurrency-quota.ts';
import { FunctionPool } from '../../local/lambda/function-pool.ts';
import type { FunctionDefinition } from '../../local/template/functions.ts';

function definitionOf(name: string, reservedConcurrency?: number): FunctionDefinition {
  return {
    name,
    arn: `arn:of:${name}`,
    invokedArn: `arn:of:${name}`,
    logicalId: name,
    file: join(__dirname, 'fixtures', 'functions', 'one.mjs'),
    handler: 'handler',
    timeoutMillis: 30_000,
    memoryMegabytes: 128,
    reservedConcurrency,
    environment: {},
    permissions: { statements: [] } as unknown as FunctionDefinition['permissions'],
  };
}

const sleep = (millis: number) => JSON.stringify({ body: JSON.stringify({ wish: 'sleep', millis }) });

describe('the quota of an account', () => {
  test('is a thousand concurrent events for all functions without reserved concurrency; the next one is refused', () => {
    const definitions = [definitionOf('a'), definitionOf('b'), definitionOf('c', 40)];
    const [a, b, c] = definitions.map(quotasOf(definitions)) as [Quota, Quota, Quota];
    for (let taken = 0; taken < 480; taken += 1) {
      expect(a.take()).toBeUndefined();
      expect(b.take()).toBeUndefined();
    }
    expect(a.take()).toMatchObject({ errorType: 'TooManyRequestsException' });
    a.give();
    expect(b.take()).toBeUndefined();
    expect(b.take()).toMatchObject({ errorType: 'TooManyRequestsException' });
    for (let taken = 0; taken < 40; taken += 1) expect(c.take()).toBeUndefined();
    expect(c.take()?.errorMessage).toMatch(/^Rate Exceeded: Reserved.*\(40\)/);
  });

  type Quota = ReturnType<ReturnType<typeof quotasOf>>;
});

describe('the environments of a function', () => {
  let pool: FunctionPool;
  afterEach(() => pool.stop());

  const poolOf = (definition: FunctionDefinition, longestWaitMillis?: number) => {
    const quota = quotasOf([definition])(definition);
    pool = new FunctionPool({
      ...{ definition, quota, longestWaitMillis, variables: {}, faults: new Faults() },
      output: () => {},
    });
    return pool;
  };

  test('are limited by the cores of the machine; events above the quota are refused at once', async () => {
    const definition = definitionOf('flooded');
    const flooded = poolOf(definition);
    const results = Array.from({ length: 1200 }, (_, index) => flooded.invoke(`r${index}`, sleep(0)));
    const refused = await Promise.all(results.slice(1000));
    expect(refused.map(({ error }) => error?.errorType)).toEqual(Array(200).fill('TooManyRequestsException'));
    const served = (await Promise.all(results.slice(0, 1000))).map(({ answer }) => answer as { body: string });
    const firsts = served.filter(({ body }) => JSON.parse(body).served === 1).length;
    expect(served).toHaveLength(1000);
    expect(firsts).toBeLessThanOrEqual(environmentLimit(definition));
    expect(environmentLimit(definition)).toBe(Math.max(8, 4 * availableParallelism()));
    expect(environmentLimit(definitionOf('narrow', 3))).toBe(3);
  });

  test('are used in the order of their start, whichever had an event last', async () => {
    const definition = definitionOf('ordered');
    const options = {
      quota: quotasOf([definition])(definition),
      variables: {},
      faults: new Faults(),
      output: () => {},
    };
    pool = new FunctionPool({ definition, ...options, heldMillis: 0 });
    const served = async (millis: number) => {
      const { answer } = await pool.invoke('r', sleep(millis));
      return JSON.parse((answer as { body: string }).body).served;
    };
    await Promise.all([served(2500), served(2500)]);
    expect(await served(0)).toBe(2);
    expect(await served(0)).toBe(3);
    // The younger environment finishes last.
    expect(await Promise.all([served(0), served(100)])).toEqual([4, 2]);
    expect(await served(0)).toBe(5);
  });

  test('that are busy get the next event before idle ones, if they finish within milliseconds', async () => {
    const carried = Math.max(1, availableParallelism() - 1);
    const definition = definitionOf('warm');
    const quota = quotasOf([definition])(definition);
    const options = { definition, quota, variables: {}, faults: new Faults(), output: () => {} };
    const atOnce = (count: number, millis: number) =>
      Promise.all(Array.from({ length: count }, (_, index) => pool.invoke(`r${index}`, sleep(millis))));
    const served = ({ answer }: { answer?: unknown }) => JSON.parse((answer as { body: string }).body).served as number;
    /** A busy machine may start them so slowly that one of them serves twice. Then the test starts again. */
    const warm = async (heldMillis: number) => {
      for (;;) {
        pool = new FunctionPool({ ...options, heldMillis });
        if ((await atOnce(carried + 1, 6000)).every((result) => served(result) === 1)) return;
        await pool.stop();
      }
    };
    const servedBy = async (heldMillis: number) => {
      await warm(heldMillis);
      const busy = atOnce(carried, 1500);
      const next = served(await pool.invoke('next', sleep(0)));
      await busy;
      await pool.stop();
      return next;
    };
    // A busy environment serves its third event, the idle one its second.
    expect(await servedBy(5000)).toBe(3);
    expect(await servedBy(20)).toBe(2);
  });

  test('that are all busy for too long cause a waiting event to be refused', async () => {
    const definition = definitionOf('busy', 1);
    const quota = quotasOf([definitionOf('busy')])(definitionOf('busy'));
    pool = new FunctionPool({
      ...{ definition, quota, longestWaitMillis: 200, variables: {}, faults: new Faults(), output: () => {} },
    });
    // The first environment may take longer to start than an event waits. Then this event is refused too.
    while ((await pool.invoke('warm', sleep(0))).error);
    const long = pool.invoke('long', sleep(20_000));
    const waiting = await pool.invoke('waiting', sleep(0));
    expect(waiting.error).toEqual(throttled('no environment was free for 200 ms on this machine'));
    await pool.stop();
    expect((await long).error).toMatchObject({ errorType: 'Runtime.ExitError' });
  });
});

describe('a client that sends faster than its messages are served', () => {
  test('is not read while 64 of its messages are in progress', async () => {
    const calls: string[] = [];
    const socket = { pause: () => calls.push('pause'), resume: () => calls.push('resume') } as unknown as WebSocket;
    const connection = new SocketConnection(0, '127.0.0.1', undefined);
    connection.attach(socket);
    const works = Array.from({ length: 70 }, () => Promise.withResolvers<void>());
    const followed = works.map(({ promise }) => connection.trackMessage(promise));
    expect(calls).toEqual(['pause']);
    for (const { resolve } of works.slice(0, 6)) resolve();
    await Promise.all(followed.slice(0, 6));
    expect(calls).toEqual(['pause']);
    works[6]!.resolve();
    await followed[6];
    expect(calls).toEqual(['pause', 'resume']);
    for (const { resolve } of works.slice(7)) resolve();
    await Promise.all(followed);
    expect(calls).toEqual(['pause', 'resume']);
  });
});

describe('an asynchronous event', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  test('that is throttled is retried until there is capacity', async () => {
    const events = new AsynchronousEvents();
    let refusals = 30;
    const outcome = events.accept(async () => (refusals-- > 0 ? { error: throttled('full') } : { answer: null }));
    await jest.advanceTimersByTimeAsync(31_000);
    expect(await outcome).toBeUndefined();
    expect(refusals).toBe(-1);
  });

  test('that is throttled for a minute is dropped, and so is one that arrives while a thousand wait', async () => {
    const events = new AsynchronousEvents();
    const refused = async () => ({ error: throttled('full') });
    const outcomes = Array.from({ length: 1001 }, () => events.accept(refused));
    expect(await outcomes[1000]).toBe('1000 other events wait for a retry');
    await jest.advanceTimersByTimeAsync(62_000);
    expect(await outcomes[0]).toBe('it was throttled for 60 seconds');
    events.stop();
    await Promise.all(outcomes);
  });
});
