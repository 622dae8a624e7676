import { createTestRollcall, type TestRollcall } from '../../client/testing/index.ts';
import { createBy, entriesOf, tell } from './parity/cases.ts';
import { memorySide } from './parity/memory-side.ts';

// Expiry in the in-memory service, whose clock a test advances. The tests of the real service are in `test/e2e/expiry.test.ts`.

const [minute, hour] = [60_000, 3_600_000];
let rollcall: TestRollcall;
afterEach(() => rollcall?.close());

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

test('[SE6] [SE13] a purged session is unknown, and only its owner reads its audit trail', async () => {
  const side = memorySide();
  const [owner, member] = [await side.connect('Ada'), await side.connect('Bob')];
  const sessionId = await createBy(owner, { isPublic: true });
  const { invite } = await owner.ask('invite_create', { sessionId, role: 'viewer', expiresInSeconds: 30 * 86_400 });
  await member.ask('session_join', { sessionId });
  await owner.ask('session_end', { sessionId });
  await side.wait(24 * hour + 10 * minute);
  expect(await tell(member, 'session_join', { sessionId })).toBe('SESSION_INACTIVE');
  await side.wait(10 * minute);
  expect(await tell(member, 'session_join', { sessionId })).toBe('SESSION_NOT_FOUND');
  expect(await tell(member, 'session_join', { sessionId, invite })).toBe('INVITE_EXPIRED');
  expect(await tell(member, 'activity_query', { sessionId })).toBe('SESSION_NOT_FOUND');
  expect(await tell(owner, 'session_recover', { sessionId })).toBe('SESSION_NOT_FOUND');
  expect(await tell(owner, 'participants_list', { sessionId })).toBe('SESSION_NOT_FOUND');
  expect(await tell(owner, 'activity_query', { sessionId })).toBe('activity_page');
  await side.close();
});

test('[SE6] [SE5] a connection whose user timed out is told of the expiry', async () => {
  const side = memorySide();
  const owner = await side.connect('Ada');
  const sessionId = await createBy(owner);
  await side.wait(2 * minute);
  expect((await owner.ask('participants_list', { sessionId })).participants).toEqual([]);
  await side.wait(hour);
  expect(owner.heard.map((frame) => frame['type'])).toEqual(['session_expiring', 'session_expired']);
  await side.close();
});

test('[SE7] a guest with an expired invite is refused, and the audit trail says so', async () => {
  const side = memorySide();
  const owner = await side.connect('Ada');
  const sessionId = await createBy(owner);
  const { invite } = await owner.ask('invite_create', { sessionId, role: 'viewer', expiresInSeconds: 60 });
  await side.wait(minute);
  await expect(side.connect('Gus', { invite })).rejects.toThrow('403');
  expect((await entriesOf(owner, sessionId)).at(-1)).toEqual(['invite_refused', { reason: 'expired' }]);
  await side.close();
});
