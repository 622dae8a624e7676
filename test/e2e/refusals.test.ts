import { randomUUID } from 'node:crypto';
import { v5 as uuidv5 } from 'uuid';
import type { Arrived, TestStack } from '../support/stack.ts';
import { startTestStack } from '../support/stack.ts';

let stack: TestStack;

beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack.close());

/** Somebody, and the session that they name. */
interface Try {
  caller: Arrived;
  sessionId: string;
  /** The session whose trail is read; by default the one that is named. */
  trailOf?: string;
}
type Status = 'active' | 'completed' | 'expired';

let hosts = 0;

async function hosted({ isPublic = false } = {}) {
  hosts += 1;
  const { owner, session } = await stack.host(`hester-${hosts}`, isPublic ? { isPublic: true } : { title: 'closed' });
  const invite = async (role: 'viewer' | 'commenter' | 'operator') =>
    (await owner.expect('invite_created', { type: 'invite_create', sessionId: session.id, role })).invite;
  return { owner, sessionId: session.id, name: `${hosts}`, invite };
}

async function member(role: 'viewer' | 'commenter' | 'operator', status: Status = 'active'): Promise<Try> {
  const { owner, sessionId, name, invite } = await hosted();
  const caller = await stack.arrive(`mia-${name}`);
  await caller.expect('session_joined', { type: 'session_join', sessionId, invite: await invite(role) });
  if (status === 'completed') await owner.expect('session_ended', { type: 'session_end', sessionId });
  if (status === 'expired') {
    await stack.database.query(
      `UPDATE collaboration_sessions SET status = 'expired', active = false, end_time = now() WHERE id = $1`,
      [sessionId],
    );
  }
  return { caller, sessionId };
}

async function left(): Promise<Try> {
  const one = await member('viewer');
  await one.caller.expect('session_left', { type: 'session_leave', sessionId: one.sessionId });
  return one;
}

async function passerBy(): Promise<Try> {
  const { sessionId, name } = await hosted({ isPublic: true });
  return { caller: await stack.arrive(`pia-${name}`), sessionId };
}

async function removed({ isPublic = false } = {}): Promise<Try> {
  const { owner, sessionId, name, invite } = await hosted({ isPublic });
  const caller = await stack.arrive(`ray-${name}`);
  await caller.expect('session_joined', { type: 'session_join', sessionId, invite: await invite('operator') });
  await owner.expect('ack', { type: 'participant_remove', sessionId, userId: caller.userId });
  return { caller, sessionId };
}

async function guest({ isRemoved = false } = {}): Promise<Try> {
  const { owner, sessionId, invite } = await hosted();
  const caller = await stack.arriveAsGuest(await invite('viewer'), 'Gus');
  await caller.expect('session_joined', { type: 'session_join', sessionId });
  if (isRemoved) await owner.expect('ack', { type: 'participant_remove', sessionId, userId: caller.userId });
  return { caller, sessionId };
}

async function stranger(): Promise<Try> {
  const { sessionId, name } = await hosted();
  return { caller: await stack.arrive(`sam-${name}`), sessionId };
}

async function strangerWithName(): Promise<Try> {
  const { owner, session } = await stack.host('helga', { title: 'closed' });
  expect(owner.userId).toBe(session.ownerId);
  return { caller: await stack.arrive('selma'), sessionId: session.sessionId, trailOf: session.id };
}

async function foreignGuest({ isPublic = false } = {}): Promise<Try> {
  const { sessionId } = await hosted({ isPublic });
  return { caller: (await guest()).caller, sessionId };
}

async function nowhere(): Promise<Try> {
  return { caller: await stack.arrive('nora'), sessionId: randomUUID() };
}

async function guestNowhere(): Promise<Try> {
  return { caller: (await guest()).caller, sessionId: randomUUID() };
}

const denied = 'PERMISSION_DENIED';
const hidden = 'SESSION_NOT_FOUND';
const over = 'SESSION_INACTIVE';

/** Who tries, and the answer to ending the session and to logging; * marks an answer that the trail records. */
const ways: [who: string, () => Promise<Try>, end: string, log: string][] = [
  ['a viewer with a read-only invite', () => member('viewer'), `${denied}*`, `${denied}*`],
  ['a commenter', () => member('commenter'), `${denied}*`, 'activity_logged'],
  ['an operator', () => member('operator'), `${denied}*`, 'activity_logged'],
  ['a viewer who left', left, `${denied}*`, `${denied}*`],
  ['a user of a public session who did not join', passerBy, `${denied}*`, `${denied}*`],
  ['a viewer of a session that ended', () => member('viewer', 'completed'), `${denied}*`, `${denied}*`],
  ['a commenter of a session that ended', () => member('commenter', 'completed'), `${denied}*`, over],
  ['a viewer of a session that expired', () => member('viewer', 'expired'), `${denied}*`, `${denied}*`],
  ['a commenter of a session that expired', () => member('commenter', 'expired'), `${denied}*`, over],
  ['a removed user', () => removed(), `${denied}*`, `${denied}*`],
  ['a removed user of a public session', () => removed({ isPublic: true }), `${denied}*`, `${denied}*`],
  ['a guest', () => guest(), `${denied}*`, `${denied}*`],
  ['a removed guest', () => guest({ isRemoved: true }), `${denied}*`, `${denied}*`],
  ['a stranger to a session that is not public', stranger, hidden, hidden],
  ['a stranger who knows its name', strangerWithName, hidden, hidden],
  ['a guest of another session', () => foreignGuest(), denied, denied],
  ['a guest of another session who names a public one', () => foreignGuest({ isPublic: true }), denied, denied],
  ['a user who names no session', nowhere, hidden, hidden],
  ['a guest who names no session', guestNowhere, denied, denied],
];

const log = { type: 'activity_log', activityType: 'noted', details: { secret: 1 } };

describe.each(ways)('[AC10] %s', (_who, prepare, end, logged) => {
  test(`gets ${end} for ending it, and ${logged} for an activity`, async () => {
    const { caller, sessionId, trailOf = sessionId } = await prepare();
    const answers = [];
    for (const message of [{ type: 'session_end' }, log]) {
      const answer = await caller.ask({ ...message, sessionId });
      answers.push(answer.type === 'error' ? answer.code : answer.type);
    }
    expect(answers).toEqual([end, logged].map((each) => each.replace('*', '')));
    const rows = [...(await stack.audit(trailOf, 'session_end_refused'))];
    rows.push(...(await stack.audit(trailOf, 'activity_refused')));
    const common = { user_id: caller.userId, ip_address: '127.0.0.1', user_agent: null, id: expect.any(String) };
    expect(rows).toEqual([
      ...(end.endsWith('*') ? [{ ...common, activity_type: 'session_end_refused', details: { reason: denied } }] : []),
      ...(logged.endsWith('*')
        ? [{ ...common, activity_type: 'activity_refused', details: { reason: denied, activityType: 'noted' } }]
        : []),
    ]);
  });
});

test('[AC10] a user who repeats a refused message leaves one entry a minute, and each answer is the same', async () => {
  const { caller, sessionId } = await member('viewer');
  const from = Math.floor(Date.now() / 60_000);
  const attempts = 20;
  const ask = (step: number) => caller.ask({ ...log, activityType: `noted-${step}`, sessionId });
  const answers = await Promise.all(Array.from({ length: attempts }, (_, step) => ask(step)));
  for (const answer of answers) expect(answer).toMatchObject({ type: 'error', code: denied });
  const minutes = Math.floor(Date.now() / 60_000) - from + 1;
  const rows = await stack.audit(sessionId, 'activity_refused');
  expect(rows.length).toBeGreaterThan(0);
  expect(rows.length).toBeLessThanOrEqual(minutes);
  expect(minutes).toBeLessThan(attempts);
});

test('[AC10] a client cannot write the entry of a refusal', async () => {
  const { owner, sessionId } = await hosted();
  for (const activityType of ['session_end_refused', 'activity_refused']) {
    expect(await owner.ask({ type: 'activity_log', sessionId, activityType })).toMatchObject({
      code: 'INVALID_MESSAGE',
    });
  }
});

test('[AC10] an activity with the id of the refusal that would follow does not hide the refusal', async () => {
  const { caller, sessionId } = await member('operator');
  const minute = Math.floor(Date.now() / 60_000);
  const namespace = '5d1f5a0e-6a3c-4b52-9a0b-8d3e5c7f2a16';
  const logged = { type: 'activity_log', sessionId, activityType: 'noted' };
  for (const at of [minute, minute + 1]) {
    const activityId = uuidv5(JSON.stringify([sessionId, caller.userId, 'session_end_refused', at]), namespace);
    await caller.expect('activity_logged', { ...logged, activityId });
  }
  expect(await caller.ask({ type: 'session_end', sessionId })).toMatchObject({ code: denied });
  const [refusal] = await stack.audit(sessionId, 'session_end_refused');
  expect(refusal).toMatchObject({ user_id: caller.userId });
  expect(await caller.ask({ ...logged, activityId: refusal!.id })).toMatchObject({ code: 'INVALID_MESSAGE' });
});
