import { createTestRollcall, type TestRollcall } from '../../client/testing/index.ts';

// Expiry in the in-memory service, whose clock a test advances. The tests of the real service are in `test/e2e/expiry.test.ts`.

const [minute, hour] = [60_000, 3_600_000];
let rollcall: TestRollcall;
afterEach(() => rollcall.close());

async function open(options: Parameters<typeof createTestRollcall>[0]) {
  rollcall = createTestRollcall(options);
  const session = rollcall.client('ada').open('doc');
  await session.ready;
  return session;
}

const codeOf = (promise: Promise<unknown>) => promise.then(String, ({ code }) => code);

test('[SE6] participants are warned at half of a short timeout, once', async () => {
  const session = await open({ sessionTimeoutMillis: 20_000 });
  const warnings: number[] = [];
  session.on('expiring', ({ expiresAt }) => warnings.push(expiresAt - rollcall.now()));
  await rollcall.advance(9000);
  expect(warnings).toEqual([]);
  await rollcall.advance(10_000);
  expect(warnings).toEqual([10_000]);
  await rollcall.advance(1000);
  expect(session.state).toBe('ended');
});

test('[SE6] a sign of life cancels the expiry, and the next silence causes another warning', async () => {
  const session = await open({ sessionTimeoutMillis: 20_000, sessionWarningMillis: 5000 });
  const warnings: number[] = [];
  session.on('expiring', ({ expiresAt }) => warnings.push(expiresAt - rollcall.now()));
  await rollcall.advance(16_000);
  session.setActivity('still here');
  await rollcall.advance(16_000);
  expect(warnings).toEqual([5000, 5000]);
  expect(session.state).toBe('joined');
});

test('[SE5] a session with a user who is idle but connected does not expire', async () => {
  const session = await open({ sessionTimeoutMillis: 5 * minute });
  await rollcall.advance(hour);
  expect(session.state).toBe('joined');
});

test('[SE5] the timeout of an empty session begins with its last sign of life', async () => {
  const session = await open({});
  const { id } = session;
  await rollcall.advance(2 * hour);
  await session.leave();
  await rollcall.advance(30 * minute);
  const again = rollcall.client('ada').join(id);
  await again.ready;
  expect(again.state).toBe('joined');
});

test('[SE6] an expired session is recovered within a day, and not later', async () => {
  const session = await open({ sessionTimeoutMillis: 20_000 });
  await rollcall.advance(20_000);
  await rollcall.advance(24 * hour - minute);
  await session.recover();
  expect(session.info).toMatchObject({ status: 'active', endTime: null });
  await rollcall.advance(24 * hour + minute);
  expect(await codeOf(session.recover())).toBe('SESSION_INACTIVE');
});

test('[SE6] [SE11] an expired session is not recovered while its key has another one', async () => {
  const session = await open({ sessionTimeoutMillis: 20_000 });
  await rollcall.advance(20_000);
  await rollcall.client('bob').open('doc').ready;
  expect(await codeOf(session.recover())).toBe('SESSION_INACTIVE');
});
