import { randomUUID } from 'node:crypto';
import type { PresenceUser, Role, Session } from '../../protocol/entities.ts';
import { tokenOf } from '../support/client.ts';
import { readHttp } from '../support/http-api.ts';
import { changeOf, leaveOf, leavesOf, stayPresent } from '../support/presence-frames.ts';
import { type Arrived, startTestStack, type TestStack } from '../support/stack.ts';

let stack: TestStack;
let owner: Arrived;
let session: Session;
let ownerName: string;

beforeAll(async () => {
  stack = await startTestStack();
});
beforeEach(async () => {
  ownerName = `olive-${randomUUID()}`;
  ({ owner, session } = await stack.host(ownerName, { title: 'closed' }));
  await stayPresent(owner, session.id);
});
afterAll(() => stack?.close());

async function invited(terms: { role?: Role; maxUses?: number } = {}): Promise<string> {
  const message = { type: 'invite_create', sessionId: session.id, role: 'commenter', ...terms } as const;
  return (await owner.expect('invite_created', message)).invite;
}

interface Guest {
  guest: Arrived;
  proof: { invite: string; secret: string };
}

/** A guest in the session. */
async function guestWith(invite: string): Promise<Guest> {
  const secret = randomUUID();
  const guest = await stack.arriveAsGuest(invite, 'Gwen', secret);
  await guest.expect('session_joined', { type: 'session_join', sessionId: session.id });
  await owner.nextOf(
    (frame) => frame.type === 'presence_diff' && frame.joins.some((one) => one.userId === guest.userId),
  );
  return { guest, proof: { invite, secret } };
}

const join = (guest?: object, more = {}) => ({ type: 'session_join', sessionId: session.id, guest, ...more });
const signedIn = (client: Arrived, proof: object) => client.expect('session_joined', join(proof));

/** Who is in the session now, for the owner. */
async function present(): Promise<PresenceUser[]> {
  return (await owner.expect('presence_state', { type: 'presence_sync', sessionId: session.id })).users;
}

async function movementsOf(...ids: string[]): Promise<string[]> {
  const rows = await stack.audit(session.id);
  const wanted = ['user_joined', 'user_left', 'user_timeout', 'guest_signed_in'];
  return rows
    .filter((row) => ids.includes(row.user_id!) && wanted.includes(row.activity_type))
    .map((row) => `${row.activity_type} ${ids.indexOf(row.user_id!)}`);
}

test('[SE15] a guest who signs in keeps presence, slot, cursor, data and stay, and the others are told once', async () => {
  const { guest, proof } = await guestWith(await invited());
  const sessionId = session.id;
  await guest.expect('ack', { type: 'presence_update', sessionId, activity: 'draws', data: { colour: 'teal' } });
  await guest.expect('ack', { type: 'cursor_update', sessionId, cursor: { position: 7 } });
  const before = (await present()).find((user) => user.userId === guest.userId)!;
  const asGuest = owner.frames.length;

  const user = await stack.arrive(`una-${randomUUID()}`);
  const joined = await signedIn(user, proof);
  const self = joined.users.find((one) => one.userId === user.userId)!;
  expect(joined.role).toBe('commenter');
  expect(self).toMatchObject({
    ...{ guestId: guest.userId, joinedAt: before.joinedAt, index: before.index, connections: 1 },
    ...{ activity: 'draws', data: { colour: 'teal' }, cursor: { position: 7 }, role: 'commenter', status: 'online' },
  });
  expect(joined.users.map((one) => one.userId).toSorted()).toEqual([owner.userId, user.userId].toSorted());

  await owner.nextOf(
    (frame) => frame.type === 'presence_diff' && frame.joins.some((one) => one.userId === user.userId),
  );
  const told = owner.frames.slice(asGuest).filter((frame) => frame.type === 'presence_diff');
  expect(told).toHaveLength(1);
  expect(told[0]).toMatchObject({
    leaves: [{ userId: guest.userId, cause: 'signed_in' }],
    joins: [{ userId: user.userId, guestId: guest.userId, cursor: { position: 7 }, joinedAt: before.joinedAt }],
  });
  expect((await guest.next('session_removed')).reason).toBe('signed_in');
  expect(await movementsOf(guest.userId, user.userId)).toEqual(['user_joined 0', 'guest_signed_in 1']);
  const [entry] = await stack.audit(session.id, 'guest_signed_in');
  expect(entry!.details).toEqual({ guestId: guest.userId, role: 'commenter' });
  const { participants } = await owner.expect('participants', { type: 'participants_list', sessionId });
  expect(participants.map((one) => one.userId).toSorted()).toEqual([owner.userId, user.userId].toSorted());
});

test('[SE15] the closed socket of the guest changes nothing, and the stay ends with the user', async () => {
  const { guest, proof } = await guestWith(await invited());
  const user = await stack.arrive(`uli-${randomUUID()}`);
  await signedIn(user, proof);
  await guest.close();
  await user.expect('session_left', { type: 'session_leave', sessionId: session.id });
  await owner.nextOf(
    (frame) => frame.type === 'presence_diff' && frame.leaves.some((one) => one.userId === user.userId),
  );
  expect(await movementsOf(guest.userId, user.userId)).toEqual(['user_joined 0', 'guest_signed_in 1', 'user_left 1']);
  expect(leavesOf(owner, guest.userId)).toBe(1);
  const [left] = (await stack.audit(session.id, 'user_left')).filter((row) => row.user_id === user.userId);
  const { rows } = await stack.database.query<{ seconds: number }>(
    `SELECT extract(epoch FROM max(created_at) - min(created_at))::float8 AS seconds FROM activity_log
     WHERE session_id = $1 AND user_id = ANY ($2)`,
    [session.id, [guest.userId, user.userId]],
  );
  expect(left!.details['durationSeconds']).toBe(Math.round(rows[0]!.seconds));
});

test('[SE15] history, attendance and the filter by user show one person', async () => {
  const { guest, proof } = await guestWith(await invited());
  const asked = { type: 'activity_log', sessionId: session.id, activityType: 'noted' };
  await guest.expect('activity_logged', asked);
  const whileGuest = Date.now();
  const user = await stack.arrive(`ula-${randomUUID()}`);
  await signedIn(user, proof);
  await user.expect('activity_logged', asked);
  const at = (time: number) =>
    owner.expect('presence_history', { type: 'presence_history', sessionId: session.id, at: time });
  for (const time of [whileGuest, Date.now()]) {
    const { stays } = await at(time);
    expect(stays.filter((stay) => stay.userId !== owner.userId)).toMatchObject([
      { userId: user.userId, leftAt: null, cause: null },
    ]);
  }
  const query = { type: 'activity_query', sessionId: session.id, userId: user.userId };
  const { items } = await owner.expect('activity_page', query);
  expect(items.map((item) => item.activityType).toSorted()).toEqual([
    ...['guest_signed_in', 'invite_used', 'noted', 'noted', 'user_joined'],
  ]);
  expect(items.filter((item) => item.activityType === 'noted').map((item) => item.userId)).toEqual([
    user.userId,
    guest.userId,
  ]);
  const { token } = await tokenOf(stack, ownerName);
  const get = async (path: string) => (await readHttp(stack, `/sessions/${session.id}/${path}`, token)).json();
  const { items: attended } = (await get('attendance')) as { items: { userId: string; stays: number }[] };
  expect(attended.map((one) => [one.userId, one.stays])).toEqual([
    [owner.userId, 1],
    [user.userId, 1],
  ]);
  expect(await get('statistics')).toMatchObject({ uniqueUsers: 2 });
});

test('[SE15] a repeated proof of the same user changes nothing', async () => {
  const { guest, proof } = await guestWith(await invited());
  const name = `ute-${randomUUID()}`;
  const user = await stack.arrive(name);
  await signedIn(user, proof);
  await signedIn(user, proof);
  const again = await signedIn(await stack.arrive(name), proof);
  expect(again.users.find((one) => one.userId === user.userId)).toMatchObject({ connections: 2 });
  expect(await stack.audit(session.id, 'guest_signed_in')).toHaveLength(1);
  expect(await movementsOf(guest.userId, user.userId)).toEqual(['user_joined 0', 'guest_signed_in 1']);
});

describe('[SE15] nobody else becomes the guest:', () => {
  test('with the secret and no token', async () => {
    const { proof } = await guestWith(await invited());
    const thief = await stack.arriveAsGuest(proof.invite, 'Thea', randomUUID());
    expect(await thief.ask(join(proof))).toMatchObject({ type: 'error', code: 'PERMISSION_DENIED' });
    expect(await stack.audit(session.id, 'guest_signed_in')).toEqual([]);
  });

  test('with a token and another secret', async () => {
    const { guest, proof } = await guestWith(await invited());
    const thief = await stack.arrive(`thea-${randomUUID()}`);
    const joined = await thief.expect('session_joined', join({ ...proof, secret: randomUUID() }));
    expect(joined.users.map((one) => one.userId)).toContain(guest.userId);
    expect(joined.users.find((one) => one.userId === thief.userId)!.guestId).toBeUndefined();
    expect(await stack.audit(session.id, 'guest_signed_in')).toEqual([]);
  });

  test('with the invite and secret of a guest of another session', async () => {
    const { proof } = await guestWith(await invited());
    const elsewhere = await stack.host(`otto-${randomUUID()}`, { title: 'closed too' });
    const visitor = await stack.arrive(`vera-${randomUUID()}`);
    const message = { type: 'session_join', sessionId: elsewhere.session.id, guest: proof };
    expect(await visitor.ask(message)).toMatchObject({ type: 'error', code: 'INVITE_INVALID' });
    expect(await visitor.ask({ ...message, sessionId: randomUUID() })).toMatchObject({ code: 'INVITE_INVALID' });
  });

  test('after another user was', async () => {
    const { guest, proof } = await guestWith(await invited());
    const user = await stack.arrive(`uwe-${randomUUID()}`);
    await signedIn(user, proof);
    const thief = await stack.arrive(`thea-${randomUUID()}`);
    expect(await thief.ask(join(proof))).toMatchObject({ type: 'error', code: 'INVITE_INVALID' });
    // The same browser, with the secret and no token, is refused too: the guest is a user now.
    const back = await stack.arriveAsGuest(proof.invite, 'Gwen', proof.secret);
    expect(back.userId).toBe(guest.userId);
    expect(await back.ask(join())).toMatchObject({ type: 'error', code: 'INVITE_INVALID' });
    const refused = (await stack.audit(session.id, 'invite_refused')).map((row) => [
      row.user_id,
      row.details['reason'],
    ]);
    expect(refused).toEqual([
      [thief.userId, 'signed_in'],
      [guest.userId, 'signed_in'],
    ]);
    expect((await present()).map((one) => one.userId).toSorted()).toEqual([owner.userId, user.userId].toSorted());
  });

  test('after the owner removed the guest', async () => {
    const { guest, proof } = await guestWith(await invited());
    const removal = { type: 'participant_remove', sessionId: session.id, userId: guest.userId };
    await owner.expect('ack', removal);
    const user = await stack.arrive(`udo-${randomUUID()}`);
    expect(await user.ask(join(proof))).toMatchObject({ type: 'error', code: 'INVITE_INVALID' });
    expect(await stack.audit(session.id, 'guest_signed_in')).toEqual([]);
  });
});

test('[SE15] the guest in another tab is told, and may do nothing there any more', async () => {
  const { guest, proof } = await guestWith(await invited());
  const tab = await stack.arriveAsGuest(proof.invite, 'Gwen', proof.secret);
  await tab.expect('session_joined', join());
  const user = await stack.arrive(`uma-${randomUUID()}`);
  await signedIn(user, proof);
  for (const one of [guest, tab]) expect((await one.next('session_removed')).reason).toBe('signed_in');
  const frame = { type: 'presence_update', sessionId: session.id, activity: 'haunts' };
  expect(await tab.ask(frame)).toMatchObject({ type: 'error', code: 'NOT_IN_SESSION' });
  const entry = { type: 'activity_log', sessionId: session.id, activityType: 'haunted' };
  expect(await tab.ask(entry)).toMatchObject({ type: 'error' });
  expect((await present()).map((one) => one.userId).toSorted()).toEqual([owner.userId, user.userId].toSorted());
});

test('[SE15] a user who is present in another tab absorbs the guest', async () => {
  const invite = await invited();
  const name = `ulf-${randomUUID()}`;
  const tab = await stack.arrive(name);
  await tab.expect('session_joined', { type: 'session_join', sessionId: session.id, invite, data: { colour: 'red' } });
  const { guest, proof } = await guestWith(invite);
  const user = await stack.arrive(name);
  const joined = await signedIn(user, proof);
  expect(joined.users.find((one) => one.userId === user.userId)).toMatchObject({
    ...{ guestId: guest.userId, connections: 2, data: { colour: 'red' } },
  });
  const change = await changeOf(tab, user.userId, (one) => one['guestId'] === guest.userId);
  expect(change['userId']).toBe(user.userId);
  expect(await leaveOf(owner, guest.userId)).toBe('signed_in');
  // Two stays became one.
  const [entry] = await stack.audit(session.id, 'guest_signed_in');
  expect(entry!.details).toEqual({ guestId: guest.userId, role: 'commenter', stayEnded: true });
  const { participants } = await owner.expect('participants', { type: 'participants_list', sessionId: session.id });
  expect(participants).toHaveLength(2);
});

test('[SE15] a rebuild from the connection table keeps the user, with data and without the guest', async () => {
  const { guest, proof } = await guestWith(await invited());
  const sessionId = session.id;
  await guest.expect('ack', { type: 'presence_update', sessionId, data: { colour: 'teal' } });
  const user = await stack.arrive(`ugo-${randomUUID()}`);
  await signedIn(user, proof);
  await stack.redis.flushdb();
  await owner.expect('ack', { type: 'heartbeat', sessionId });
  const users = await present();
  expect(users.map((one) => one.userId).toSorted()).toEqual([owner.userId, user.userId].toSorted());
  expect(users.find((one) => one.userId === user.userId)).toMatchObject({
    ...{ guestId: guest.userId, data: { colour: 'teal' } },
  });
  await user.expect('session_left', { type: 'session_leave', sessionId });
  expect(await movementsOf(guest.userId, user.userId)).toEqual(['user_joined 0', 'guest_signed_in 1', 'user_left 1']);
});

test('[SE15] if Redis was emptied before the sign-in, the user still is the same person', async () => {
  const { guest, proof } = await guestWith(await invited());
  const sessionId = session.id;
  await guest.expect('ack', { type: 'presence_update', sessionId, data: { colour: 'teal' } });
  await stack.redis.flushdb();
  const user = await stack.arrive(`urs-${randomUUID()}`);
  const { users } = await signedIn(user, proof);
  expect(users.map((one) => one.userId).toSorted()).toEqual([owner.userId, user.userId].toSorted());
  expect(users.find((one) => one.userId === user.userId)).toMatchObject({
    ...{ guestId: guest.userId, data: { colour: 'teal' } },
  });
  expect(await movementsOf(guest.userId, user.userId)).toEqual(['user_joined 0', 'guest_signed_in 1']);
});

test('[SE15] the next join does what an invocation left that was killed after the transaction', async () => {
  const { guest, proof } = await guestWith(await invited());
  const user = await stack.arrive(`ubo-${randomUUID()}`);
  await stack.database.query(
    `SELECT claim_guest(i.session_id, NULL, $2, $3, 'Ubo', NULL, i.id, i.token_hash, now())
     FROM session_invites i WHERE i.session_id = $1`,
    [session.id, guest.userId, user.userId],
  );
  const { users } = await user.expect('session_joined', join());
  expect(users.map((one) => one.userId).toSorted()).toEqual([owner.userId, user.userId].toSorted());
  expect(users.find((one) => one.userId === user.userId)!.guestId).toBe(guest.userId);
  expect(await leaveOf(owner, guest.userId)).toBe('signed_in');
  await signedIn(user, proof);
});
