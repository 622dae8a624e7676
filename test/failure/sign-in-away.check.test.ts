import { randomUUID } from 'node:crypto';
import type { PresenceUser } from '../../protocol/entities.ts';
import { OwnRedis } from '../support/own-redis.ts';
import { keepAlive } from '../support/presence-frames.ts';
import { whilePresent } from '../support/silence.ts';
import type { Arrived, TestStack } from '../support/stack.ts';
import { StoreGate } from '../support/store-gate.ts';
import { askUntil, eventually, offlineMillis, startFailingStack, untilShown } from './support.ts';

let redis: OwnRedis;
let gate: StoreGate;
let stack: TestStack;
let stops: (() => void)[] = [];

beforeAll(async () => {
  redis = await OwnRedis.start();
  gate = new StoreGate(redis.url);
  await gate.open();
  stack = await startFailingStack({ redisUrl: gate.url });
});
afterEach(restore);
afterAll(async () => {
  redis.thaw();
  await stack.close();
  await gate.shut();
  await redis.kill();
});

async function restore(): Promise<void> {
  for (const stop of stops) stop();
  stops = [];
  redis.thaw();
  await redis.start();
  await gate.shut();
  await gate.open();
  await stack.stores.database.shut();
  await stack.stores.database.open();
}

interface Party {
  owner: Arrived;
  guest: Arrived;
  user: Arrived;
  sessionId: string;
  proof: { invite: string; secret: string };
  /** What the owner saw of the guest. */
  before: PresenceUser;
}

/** An owner, a guest with data and a cursor, and the connection of the user that the guest will be. */
async function party(name: string): Promise<Party> {
  await askUntil(await stack.arrive('first'), 'session_created', { type: 'session_create', operationId: 'probe' });
  const { owner, session } = await stack.host(`olive-${name}`, { title: 'closed' });
  const sessionId = session.id;
  const { invite } = await owner.expect('invite_created', { type: 'invite_create', sessionId, role: 'commenter' });
  const secret = randomUUID();
  const guest = await stack.arriveAsGuest(invite, 'Gwen', secret);
  await guest.expect('session_joined', { type: 'session_join', sessionId });
  await guest.expect('ack', { type: 'presence_update', sessionId, data: { colour: 'teal' } });
  await guest.expect('ack', { type: 'cursor_update', sessionId, cursor: { position: 7 } });
  await untilShown(owner, sessionId, guest.userId);
  const before = (await present(owner, sessionId)).find((one) => one.userId === guest.userId)!;
  const user = await stack.arrive(`una-${name}`);
  return { owner, guest, user, sessionId, proof: { invite, secret }, before };
}

async function present(owner: Arrived, sessionId: string): Promise<PresenceUser[]> {
  return (await owner.expect('presence_state', { type: 'presence_sync', sessionId })).users;
}

const idsOf = (users: readonly { userId: string }[]) => users.map(({ userId }) => userId).toSorted();

async function movementsOf({ guest, user, sessionId }: Party): Promise<string[]> {
  const names = ['user_joined', 'user_left', 'user_timeout', 'guest_signed_in'];
  const ids = [guest.userId, user.userId];
  return (await stack.audit(sessionId))
    .filter((row) => names.includes(row.activity_type) && ids.includes(row.user_id!))
    .map((row) => `${row.activity_type} ${ids.indexOf(row.user_id!)}`);
}

/** The history shows one person, from the join of the guest on. */
async function expectOneStay({ owner, user, sessionId, before }: Party): Promise<void> {
  for (const at of [before.joinedAt + 1, Date.now()]) {
    const { stays } = await owner.expect('presence_history', { type: 'presence_history', sessionId, at });
    expect(idsOf(stays.filter((stay) => stay.leftAt === null))).toContain(user.userId);
    expect(stays).toHaveLength(2);
  }
}

test.each([
  // Calls to a frozen Redis are served when it continues, although their callers gave up.
  ['frozen', async () => redis.freeze(), async () => redis.thaw(), true],
  ['unreachable', () => gate.shut(), () => gate.open(), true],
  ['killed', () => redis.kill(), () => redis.start(), false],
])(
  '[SE15][FA1] a guest who signs in while Redis is %s is the same person afterwards',
  async (how, away, back, keepsData) => {
    await whilePresent(
      offlineMillis,
      async ({ attempt, began, silence }) => {
        const one = await party(`${how}-${attempt}`);
        const { owner, guest, user, sessionId, proof, before } = one;
        let isAway = false;
        const keep = (client: Arrived, since?: number) => {
          const stop = keepAlive(client, sessionId, silence(since), () => isAway);
          stops.push(stop);
          return stop;
        };
        keep(owner, began);
        const stopGuest = keep(guest, began);
        isAway = true;
        await away();
        const joined = await user.expect('session_joined', { type: 'session_join', sessionId, guest: proof });
        expect(idsOf(joined.users)).toEqual(idsOf([owner, user]));
        expect(joined.role).toBe('commenter');
        expect(joined.users.find(({ userId }) => userId === user.userId)).toMatchObject({
          ...{ guestId: guest.userId, data: { colour: 'teal' } },
        });
        expect((await guest.next('session_removed')).reason).toBe('signed_in');
        stopGuest();
        keep(user);
        await back();
        isAway = false;
        await askUntil(owner, 'ack', { type: 'heartbeat', sessionId });
        await askUntil(user, 'ack', { type: 'heartbeat', sessionId });
        const users = await eventually(
          () => present(owner, sessionId),
          (seen) => idsOf(seen).join() === idsOf([owner, user]).join(),
        );
        const kept = { joinedAt: before.joinedAt, index: before.index, cursor: { position: 7 } };
        expect(users.find(({ userId }) => userId === user.userId)).toMatchObject({
          ...{ guestId: guest.userId, data: { colour: 'teal' }, connections: 1, role: 'commenter' },
          ...(keepsData ? kept : {}),
        });
        // A wrong leave would be announced within the time after which a user is offline.
        const until = Date.now() + 1.5 * offlineMillis;
        await eventually(
          () => present(owner, sessionId),
          () => Date.now() > until,
        );
        expect(idsOf(await present(owner, sessionId))).toEqual(idsOf([owner, user]));
        const leaves = owner.framesOf('presence_diff').flatMap((diff) => diff.leaves);
        expect(leaves.filter(({ cause }) => cause !== 'signed_in')).toEqual([]);
        expect(await movementsOf(one)).toEqual(['user_joined 0', 'guest_signed_in 1']);
        await expectOneStay(one);
      },
      restore,
    );
  },
);

test('[SE15][FA3] while PostgreSQL is away, a sign-in is refused and changes nothing, and a later attempt works', async () => {
  await whilePresent(
    offlineMillis,
    async ({ attempt, began, silence }) => {
      const one = await party(`database-${attempt}`);
      const { owner, guest, user, sessionId, proof, before } = one;
      for (const client of [owner, guest]) stops.push(keepAlive(client, sessionId, silence(began)));
      const join = { type: 'session_join', sessionId, guest: proof };
      await stack.stores.database.shut();
      expect(await user.askOnce(join)).toMatchObject({ type: 'error', code: 'UNAVAILABLE', retryable: true });
      const users = await present(owner, sessionId);
      expect(idsOf(users)).toEqual(idsOf([owner, guest]));
      expect(users.find(({ userId }) => userId === guest.userId)).toMatchObject({
        ...{ joinedAt: before.joinedAt, data: { colour: 'teal' }, cursor: { position: 7 }, connections: 1 },
      });
      await guest.expect('ack', { type: 'cursor_update', sessionId, cursor: { position: 8 } });
      expect(guest.framesOf('session_removed')).toEqual([]);
      await stack.stores.database.open();
      expect(await movementsOf(one)).toEqual(['user_joined 0']);
      await askUntil(user, 'session_joined', join);
      stops.push(keepAlive(user, sessionId, silence()));
      const after = await present(owner, sessionId);
      expect(idsOf(after)).toEqual(idsOf([owner, user]));
      expect(after.find(({ userId }) => userId === user.userId)).toMatchObject({
        ...{ guestId: guest.userId, joinedAt: before.joinedAt, index: before.index },
        ...{ data: { colour: 'teal' }, cursor: { position: 8 }, connections: 1 },
      });
      expect(await movementsOf(one)).toEqual(['user_joined 0', 'guest_signed_in 1']);
      await expectOneStay(one);
    },
    restore,
  );
});
