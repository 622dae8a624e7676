import { randomUUID } from 'node:crypto';
import type { Session } from '../../protocol/entities.ts';
import { tokenOf } from '../support/client.ts';
import { readHttp } from '../support/http-api.ts';
import { leaveOf, stayPresent } from '../support/presence-frames.ts';
import { type Arrived, startTestStack, type TestStack } from '../support/stack.ts';
import { scaleSettings } from '../support/time-limits.ts';

const settings = scaleSettings({
  PRESENCE_UPDATE_SECONDS: '1',
  HEARTBEAT_TIMEOUT_SECONDS: '1',
  RECONNECT_GRACE_SECONDS: '0.5',
});
let stack: TestStack;
let owner: Arrived;
let session: Session;
let invite: string;
let ownerName: string;

beforeAll(async () => {
  stack = await startTestStack(settings, { schedules: true });
});
beforeEach(async () => {
  ownerName = `olive-${randomUUID()}`;
  ({ owner, session } = await stack.host(ownerName, { title: 'closed' }));
  await stayPresent(owner, session.id);
  const message = { type: 'invite_create', sessionId: session.id, role: 'commenter' };
  ({ invite } = await owner.expect('invite_created', message));
});
afterAll(() => stack?.close());

const join = (more = {}) => ({ type: 'session_join', sessionId: session.id, ...more });
const leave = (client: Arrived) => client.expect('session_left', { type: 'session_leave', sessionId: session.id });

/** The movements of some people, the oldest first, by their places in the list. */
async function movementsOf(...ids: string[]): Promise<string[]> {
  const rows = await stack.audit(session.id);
  const wanted = ['user_joined', 'user_left', 'user_timeout', 'guest_signed_in'];
  return rows
    .filter((row) => ids.includes(row.user_id!) && wanted.includes(row.activity_type))
    .map((row) => [row.activity_type, 'UG'[ids.indexOf(row.user_id!)], row.details['cause'] ?? ''].join(' ').trim());
}

interface Person {
  /** All connections of the user. */
  connections: Arrived[];
  userId: string;
  guestId: string;
  /** What the trail has of the user and the guest. */
  before: string[];
  stops: (() => void)[];
}

async function arriveAsGuest() {
  const secret = randomUUID();
  const guest = await stack.arriveAsGuest(invite, 'Gwen', secret);
  await guest.expect('session_joined', join());
  return { guest, proof: { invite, secret } };
}

async function arriveAsUser(name: string, more = {}) {
  const user = await stack.arrive(name);
  await user.expect('session_joined', join({ invite, ...more }));
  return { user, stop: await stayPresent(user, session.id) };
}

/** A user is present on a laptop, and signs in on a phone whose guest left before. */
async function guestLeftBefore(): Promise<Person> {
  const name = `una-${randomUUID()}`;
  const laptop = await arriveAsUser(name);
  const { guest, proof } = await arriveAsGuest();
  await leave(guest);
  const phone = await arriveAsUser(name, { guest: proof, invite: undefined });
  return {
    ...{ connections: [laptop.user, phone.user], userId: laptop.user.userId, guestId: guest.userId },
    before: ['user_joined U', 'user_joined G', 'user_left G left', 'guest_signed_in U'],
    stops: [laptop.stop, phone.stop],
  };
}

/** A user came and left on a laptop while they were a guest on a phone, and then signs in on the phone. */
async function userLeftBefore(): Promise<Person> {
  const name = `uli-${randomUUID()}`;
  const { guest, proof } = await arriveAsGuest();
  await stayPresent(guest, session.id);
  const laptop = await arriveAsUser(name);
  await leave(laptop.user);
  laptop.stop();
  await leaveOf(owner, laptop.user.userId);
  const phone = await arriveAsUser(name, { guest: proof, invite: undefined });
  return {
    ...{ connections: [phone.user], userId: phone.user.userId, guestId: guest.userId },
    before: ['user_joined G', 'user_joined U', 'user_left U left', 'guest_signed_in U'],
    stops: [phone.stop],
  };
}

/** How often a user who shall time out says again that their page is visible, in milliseconds. Much longer than the timeout. */
const visibleMillis = 15_000;

/** Ways to leave. The returned function ends what the test does for the way. */
const ends: Record<string, (person: Person) => Promise<(() => void) | undefined>> = {
  'user_left U left': async ({ connections }) => {
    for (const one of connections) await leave(one);
    return undefined;
  },
  'user_timeout U': async ({ connections, stops }) => {
    for (const stop of stops) stop();
    // A page that is visible again is waited for only as long as the settings say.
    const visible = { type: 'heartbeat', sessionId: session.id, hidden: false };
    for (const one of connections) await one.expect('ack', visible);
    // On a busy machine an earlier heartbeat of the hidden page may be served later than these.
    const again = setInterval(() => {
      for (const one of connections) one.send(visible);
    }, visibleMillis);
    return () => clearInterval(again);
  },
  'user_left U removed': async ({ userId }) => {
    await owner.expect('ack', { type: 'participant_remove', sessionId: session.id, userId });
    return undefined;
  },
  'user_left U session_ended': async () => {
    await owner.expect('session_ended', { type: 'session_end', sessionId: session.id });
    return undefined;
  },
};

describe.each(Object.keys(ends))('[PR9][SE15] after a sign-in the trail has one "%s"', (end) => {
  test.each([
    ['if the guest had left before', guestLeftBefore],
    ['if the user had left before', userLeftBefore],
  ])('%s', async (_, arrive) => {
    const person = await arrive();
    expect(await movementsOf(person.userId, person.guestId)).toEqual(person.before);
    const stop = await ends[end]!(person);
    if (!end.endsWith('session_ended')) await leaveOf(owner, person.userId);
    stop?.();
    expect(await movementsOf(person.userId, person.guestId)).toEqual([...person.before, end]);
  });
});

test('[PR9][SE15] a user who signed in, left and comes back has an arrival and a leave of the second stay', async () => {
  const { userId, guestId, connections, before } = await userLeftBefore();
  await leave(connections[0]!);
  await connections[0]!.expect('session_joined', join());
  await leave(connections[0]!);
  const further = ['user_left U left', 'user_joined U', 'user_left U left'];
  expect(await movementsOf(userId, guestId)).toEqual([...before, ...further]);
});

test('[AC5][SE15] a user who was present beside their guest has one stay, whatever the guest did meanwhile', async () => {
  const { userId, connections } = await guestLeftBefore();
  const moment = Date.now();
  for (const one of connections) await leave(one);
  const history = async (at: number) => {
    const { stays } = await owner.expect('presence_history', { type: 'presence_history', sessionId: session.id, at });
    return stays.filter((stay) => stay.userId !== owner.userId);
  };
  const [stay, ...more] = await history(moment);
  expect(more).toEqual([]);
  expect(stay).toMatchObject({ userId, cause: 'left' });
  const [guestLeft] = await stack.audit(session.id, 'user_left');
  const { rows } = await stack.database.query<{ at: number }>(
    'SELECT (extract(epoch FROM created_at) * 1000)::float8 AS at FROM activity_log WHERE id = $1',
    [guestLeft!.id],
  );
  expect(await history(rows[0]!.at)).toEqual([stay]);
  const { token } = await tokenOf(stack, ownerName);
  const answer = await readHttp(stack, `/sessions/${session.id}/attendance`, token);
  const { items } = (await answer.json()) as { items: object[] };
  const totalMillis = stay!.leftAt! - stay!.joinedAt;
  expect(items.slice(1)).toMatchObject([{ userId, stays: 1, totalMillis, isPresent: false }]);
});

test('[SE8][SE15] a decision about the id of a guest who signed in reaches the user', async () => {
  const { guest, proof } = await arriveAsGuest();
  const { user, stop } = await arriveAsUser(`una-${randomUUID()}`, { guest: proof, invite: undefined });
  const sessionId = session.id;
  await owner.expect('ack', { type: 'participant_role', sessionId, userId: guest.userId, role: 'viewer' });
  expect((await user.next('participant_updated')).participant).toMatchObject({ userId: user.userId, role: 'viewer' });
  expect(await user.ask({ type: 'broadcast', sessionId, event: 'wave' })).toMatchObject({ code: 'PERMISSION_DENIED' });
  await owner.expect('ack', { type: 'participant_remove', sessionId, userId: guest.userId });
  expect((await user.next('session_removed')).reason).toBe('removed');
  stop();
  const { users } = await owner.expect('presence_state', { type: 'presence_sync', sessionId });
  expect(users.map(({ userId }) => userId)).toEqual([owner.userId]);
  const decided = [...(await stack.audit(sessionId, 'participant_role_changed'))];
  decided.push(...(await stack.audit(sessionId, 'participant_removed')));
  expect(decided.map(({ details }) => details['targetUserId'])).toEqual([user.userId, user.userId]);
});
