import { randomUUID } from 'node:crypto';
import { tokenOf } from '../support/client.ts';
import { readHttp } from '../support/http-api.ts';
import { joinOf } from '../support/presence-frames.ts';
import { type Arrived, startTestStack, type TestStack } from '../support/stack.ts';
import { testCrowd } from './crowd-tests.ts';

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack.close());

testCrowd(() => stack, 12);

const open = (person: Arrived, key: string, fields: object = {}) =>
  person.expect('session_opened', { type: 'session_open', key, ...fields });

async function get(path: string, user: string) {
  const { token } = await tokenOf(stack, user);
  const response = await readHttp(stack, path, token);
  return { status: response.status, headers: response.headers, body: JSON.parse(await response.text()) };
}

test('[SE11] opening a key joins with status, activity and data, and a second opening changes only the given fields', async () => {
  const key = randomUUID();
  const [ada, bob] = [await stack.arrive('ada'), await stack.arrive('bob')];
  const { session } = await open(ada, key, { metadata: { title: 'Plan' }, activity: 'drawing' });
  expect(session).toMatchObject({ key, operationId: key, isPublic: true, metadata: { title: 'Plan' } });
  const opened = await open(bob, key, { status: 'away', data: { page: 1 }, metadata: { title: 'Other' } });
  expect(opened).toMatchObject({ created: false, role: 'viewer', session: { id: session.id } });
  expect(opened.session.metadata).toEqual({ title: 'Plan' });
  expect(await joinOf(ada, bob.userId)).toMatchObject({ status: 'away', data: { page: 1 } });
  expect(await open(ada, key)).toMatchObject({ created: false, role: 'operator' });
});

test('[SE11] [SE2] if its creator decides so, only participants and users with an invite can open a key', async () => {
  const key = randomUUID();
  const [ada, eve] = [await stack.arrive('ada'), await stack.arrive('eve')];
  const { session } = await open(ada, key, { metadata: { isPublic: false } });
  expect(await eve.ask({ type: 'session_open', key })).toMatchObject({ type: 'error', code: 'PERMISSION_DENIED' });
  const create = { type: 'invite_create', sessionId: session.id, role: 'commenter' };
  const { invite } = await ada.expect('invite_created', create);
  expect(await open(eve, key, { invite })).toMatchObject({ role: 'commenter', session: { id: session.id } });
  const guest = await stack.arriveAsGuest(invite, 'Gus');
  expect(await open(guest, key)).toMatchObject({ session: { id: session.id } });
  expect(await guest.ask({ type: 'session_open', key: randomUUID() })).toMatchObject({ code: 'PERMISSION_DENIED' });
});

test('[SE11] the list of sessions and the audit trail of a key contain all its sessions', async () => {
  const key = `team 7/${randomUUID()}`;
  const path = `/keys/${encodeURIComponent(key)}`;
  const ada = await stack.arrive('ada');
  const ids: string[] = [];
  for (let round = 0; round < 3; round += 1) {
    const { session, created } = await open(ada, key, { metadata: { isPublic: round !== 1 } });
    expect(created).toBe(true);
    ids.unshift(session.id);
    const log = { type: 'activity_log', sessionId: session.id, activityType: 'step', details: { round } };
    await ada.expect('activity_logged', log);
    if (round < 2) await ada.expect('session_ended', { type: 'session_end', sessionId: session.id });
  }
  const sessions = await get(`${path}/sessions`, 'ada');
  expect(sessions.body.items.map((each: { id: string; key: string }) => [each.id, each.key])).toEqual(
    ids.map((id) => [id, key]),
  );
  expect((await get(`${path}/sessions`, 'eve')).body.items).toHaveLength(2);

  const rounds: number[] = [];
  let before = '';
  do {
    const { body, headers } = await get(`${path}/activity?type=step&limit=2${before}`, 'ada');
    expect(body.key).toBe(key);
    rounds.push(...body.items.map((item: { details: { round: number } }) => item.details.round));
    before = body.next ? `&before=${body.next}` : '';
    expect(headers.get('x-next') ?? undefined).toBe(body.next);
    if (body.next) expect(headers.get('link')).toContain(`${path}/activity?`);
  } while (before);
  expect(rounds).toEqual([2, 1, 0]);
  const seen = (await get(`${path}/activity?type=step`, 'eve')).body.items;
  expect(seen).toMatchObject([{ details: { round: 2 }, ipAddress: null }, { details: { round: 0 } }]);
  expect((await get('/keys/nothing/activity', 'ada')).body.items).toEqual([]);
  expect((await get('/keys/a%00b/sessions', 'ada')).status).toBe(400);
});
