import { randomUUID } from 'node:crypto';
import { GuestIdentities } from '../../lambdas/sessions/guest-identities.ts';
import { guestIdOf, readInvite } from '../../lambdas/sessions/invites.ts';
import { sweepSql } from '../../lambdas/sessions/sweep-sql.ts';
import { begin, complete, untilItWaits, type Work } from './overlap.ts';
import { hour, inviteKey, type SessionWorld, sessionWorld, user } from './support.ts';

// Sweeps lock the rows of several participants in the order of their ids. Everything else that locks several must do the same.
let world: SessionWorld;
beforeAll(async () => {
  world = await sessionWorld();
});
afterAll(() => world.close());

/** Two ids of rows, in their order. */
const newIds = () => ['00000000', 'ffffffff'].map((start) => start + randomUUID().slice(8)) as [string, string];
const lockRow: (id: string) => Work<unknown> = (id) => (_, client) =>
  client.query('SELECT FROM session_participants WHERE id = $1 FOR NO KEY UPDATE', [id]);

/** A sweep locks the first row, the work begins and waits, and the sweep locks the last row. */
async function besideSweep<T>([first, last]: readonly [string, string], work: Work<T>): Promise<T> {
  const sweep = await begin(world, lockRow(first));
  await sweep.done;
  const begun = await begin(world, work);
  await untilItWaits(world, begun);
  const result = complete(begun);
  // It may fail before it is awaited below.
  result.catch(() => {});
  await lockRow(last)(undefined as never, sweep.client).finally(() => sweep.end('COMMIT'));
  return result;
}

/** A session with two participants. The one with the higher id was written first, so a scan finds their row first. */
async function pair() {
  const session = await world.session();
  const rows = newIds();
  for (const id of rows.toReversed()) {
    const { userId } = user();
    await world.manager.addParticipant(session.id, userId);
    await world.database.pool.query('UPDATE session_participants SET id = $1 WHERE session_id = $2 AND user_id = $3', [
      ...[id, session.id, userId],
    ]);
  }
  return { ...session, rows };
}
const held = async (id: string) => (await world.manager.getParticipants(id)).length;

test('[SE9] the end of a session waits for a sweep and does not deadlock with it', async () => {
  const { id, rows } = await pair();
  expect(await besideSweep(rows, (manager) => manager.endSession(id))).toMatchObject({ ended: true });
  expect(await held(id)).toBe(0);
});

test('[SE6] neither does the expiry of a session', async () => {
  const { id, rows } = await pair();
  world.pass(2 * hour);
  const expire: Work<unknown> = (_, client) => client.query(sweepSql.expire, [hour, 100, world.now(), [id]]);
  expect(await besideSweep(rows, expire)).toMatchObject({ rows: [{ expired: 1 }] });
  expect(await held(id)).toBe(0);
});

test('[SE6] neither does the recovery of a session whose expiry no sweep has recorded', async () => {
  const { id, ownerId, rows } = await pair();
  world.pass(2 * hour);
  const recovery = await besideSweep(rows, (manager) => manager.recoverSession(id, { userId: ownerId }));
  expect(recovery).toMatchObject({ recovered: true, unannounced: { participantCount: 3 } });
  expect(await held(id)).toBe(0);
});

test.each([
  ['the guest', 0],
  ['the user', 1],
] as const)('[SE15] neither does a sign-in if the sweep begins with %s', async (_, first) => {
  const { id, ownerId } = await world.session();
  const { invite } = await world.invites.createInvite(id, { userId: ownerId }, { role: 'operator' });
  const una = user('Una');
  const secret = randomUUID();
  const anonymousId = guestIdOf(secret, (await readInvite(invite, [inviteKey]))!.inviteId);
  await world.manager.joinSession({ sessionRef: id, person: una, invite });
  await world.manager.joinSession({ sessionRef: id, person: { anonymousId, name: 'Gwen' }, invite });
  const rows = newIds();
  const place = 'UPDATE session_participants SET id = $1 WHERE session_id = $2 AND person_id = $3';
  await world.database.pool.query(place, [rows[first], id, anonymousId]);
  await world.database.pool.query(place, [rows[1 - first], id, una.userId]);
  const signIn: Work<unknown> = (manager, client) => {
    const guests = new GuestIdentities({ database: client, inviteKeys: () => [inviteKey], clock: world.now });
    return guests.claim(id, una, { invite, secret }).then(() => manager.joinSession({ sessionRef: id, person: una }));
  };
  expect(await besideSweep(rows, signIn)).toMatchObject({ role: 'operator', guestId: anonymousId });
});
