import { randomUUID } from 'node:crypto';
import { GuestIdentities, type GuestProof } from '../../lambdas/sessions/guest-identities.ts';
import { guestIdOf, readInvite } from '../../lambdas/sessions/invites.ts';
import { SessionManager } from '../../lambdas/sessions/session-manager.ts';
import type { AccessClaim } from '../../protocol/access-claim.ts';
import type { Role, SessionMetadata } from '../../protocol/entities.ts';
import { codeOf, hour, inviteKey, type SessionWorld, sessionWorld, user } from './support.ts';

let world: SessionWorld;
beforeAll(async () => {
  world = await sessionWorld();
});
afterAll(() => world.close());

const inviteKeys = () => [inviteKey];

interface Party {
  session: { id: string; ownerId: string };
  proof: GuestProof;
  guestId: string;
}

/** A session with a guest who joined by an invite. */
async function party(terms: { role?: Role; maxUses?: number } = {}, metadata?: SessionMetadata): Promise<Party> {
  const session = await world.session(metadata);
  const { invite } = await inviteOf(session, terms);
  const proof = { invite, secret: randomUUID() };
  const { inviteId } = (await readInvite(invite, [inviteKey]))!;
  const guestId = guestIdOf(proof.secret, inviteId);
  await world.manager.joinSession({
    ...{ sessionRef: session.id, person: { anonymousId: guestId, name: 'Gwen' }, invite },
  });
  return { session, proof, guestId };
}

function inviteOf(session: { id: string; ownerId: string }, terms: { role?: Role; maxUses?: number } = {}) {
  return world.invites.createInvite(session.id, { userId: session.ownerId }, { role: 'operator', ...terms });
}

type Joiner = ReturnType<typeof user> & { claim?: AccessClaim };

/** What the flow does in one transaction. */
async function signIn({ session, proof }: Pick<Party, 'session' | 'proof'>, person: Joiner) {
  const client = await world.database.pool.connect();
  try {
    await client.query('BEGIN');
    const guests = new GuestIdentities({ database: client, inviteKeys, clock: world.now });
    const { timings, now: clock } = world;
    const manager = new SessionManager({ database: client, timings, inviteKeys, clock });
    const signedIn = await guests.claim(session.id, person, proof);
    const invite = signedIn?.granted ? undefined : proof.invite;
    const joined = await manager.joinSession({ sessionRef: session.id, person, invite });
    await client.query('COMMIT');
    return { ...joined, signedIn };
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  } finally {
    client.release();
  }
}

const active = async ({ session }: Party) =>
  (await world.manager.getParticipants(session.id)).map((one) => one.userId ?? one.anonymousId);
const asOwner = ({ session }: Party) => ({ userId: session.ownerId });

test('[SE15] the user gets slot, role and beginning of the stay, also in a full session', async () => {
  const one = await party({ role: 'commenter', maxUses: 1 }, { maxParticipants: 2 });
  const before = (await world.manager.getParticipants(one.session.id)).find((each) => each.anonymousId);
  world.pass(1000);
  const una = user('Una');
  const joined = await signIn(one, una);
  expect(joined).toMatchObject({ role: 'commenter', activated: false, guestId: one.guestId, inviteRefusal: null });
  expect(joined.participant.joinedAt).toBe(before!.joinedAt);
  expect((await active(one)).sort()).toEqual([one.session.ownerId, una.userId].sort());
});

test('[SE15] a role that the owner lowered stays low, and one that they raised stays high', async () => {
  const lowered = await party({ role: 'operator' });
  await world.manager.setRole(lowered.session.id, asOwner(lowered), lowered.guestId, 'viewer');
  expect((await signIn(lowered, user('Una'))).role).toBe('viewer');
  const raised = await party({ role: 'viewer' });
  await world.manager.setRole(raised.session.id, asOwner(raised), raised.guestId, 'operator');
  expect((await signIn(raised, user('Uli'))).role).toBe('operator');
});

test('[SE15] a user whose role the owner lowered does not raise it with an older invite', async () => {
  const one = await party({ role: 'operator' });
  const una = user('Una');
  const { invite } = await inviteOf(one.session, { role: 'commenter' });
  await world.manager.joinSession({ sessionRef: one.session.id, person: una, invite });
  world.pass(1000);
  await world.manager.setRole(one.session.id, asOwner(one), una.userId, 'viewer');
  expect((await signIn(one, una)).role).toBe('viewer');
  expect(await active(one)).toHaveLength(2);
});

test('[SE15] a removed user does not return as a guest with an older invite', async () => {
  const one = await party();
  const una = user('Una');
  await world.manager.joinSession({ sessionRef: one.session.id, person: una, invite: one.proof.invite });
  world.pass(1000);
  await world.manager.removeParticipant(one.session.id, una.userId);
  expect(await codeOf(signIn(one, una))).toBe('INVITE_INVALID');
  // Nothing of the attempt is stored: the guest is still there, and another user may be them.
  expect(await active(one)).toContain(one.guestId);
  expect((await signIn(one, user('Uli'))).role).toBe('operator');
});

test('[SE15] after the invite was withdrawn, the user needs access of their own', async () => {
  const one = await party();
  const { inviteId } = (await readInvite(one.proof.invite, [inviteKey]))!;
  await world.invites.revokeInvite(one.session.id, asOwner(one), inviteId);
  expect(await codeOf(signIn(one, user('Una')))).toBe('INVITE_INVALID');
  const member = user('Mia');
  const { invite } = await inviteOf(one.session, { role: 'viewer' });
  await world.manager.joinSession({ sessionRef: one.session.id, person: member, invite });
  // A withdrawn invite gives nothing, but the person is the same.
  const joined = await signIn(one, member);
  expect(joined).toMatchObject({ role: 'viewer', guestId: one.guestId });
  expect((await active(one)).toSorted()).toEqual([one.session.ownerId, member.userId].toSorted());
});

test('[SE15] of two users who claim one guest at the same time exactly one becomes them', async () => {
  const one = await party();
  const people = Array.from({ length: 5 }, (_, index) => user(`Una ${index}`));
  const codes = await Promise.all(people.map((person) => codeOf(signIn(one, person))));
  expect(codes.toSorted()).toEqual([...Array(4).fill('INVITE_INVALID'), 'none']);
  expect(await active(one)).toHaveLength(2);
});

test('[SE15] with an access claim only the claim decides the role', async () => {
  const one = await party({ role: 'operator' });
  const una = { ...user('Una'), claim: { 'op-1': 'viewer' } } as const;
  expect(await signIn(one, una)).toMatchObject({ role: 'viewer', guestId: one.guestId });
  const other = await party({ role: 'operator' });
  expect(await codeOf(signIn(other, { ...user('Uli'), claim: { else: 'operator' } }))).toBe('SESSION_NOT_FOUND');
  expect(await active(other)).toContain(other.guestId);
});

test('[SE15] the owner who came as a guest stays owner, and an ended session takes nobody over', async () => {
  const one = await party({ role: 'viewer' });
  const owner = { ...user('Olga'), userId: one.session.ownerId };
  expect((await signIn(one, owner)).role).toBe('operator');
  expect(await active(one)).toEqual([one.session.ownerId]);
  const over = await party();
  await world.manager.endSession(over.session.id);
  expect(await codeOf(signIn(over, user('Una')))).toBe('SESSION_INACTIVE');
  const expired = await party();
  world.pass(2 * hour);
  expect(await codeOf(signIn(expired, user('Una')))).toBe('SESSION_INACTIVE');
  const { rows } = await world.database.pool.query('SELECT FROM guest_identities WHERE session_id = ANY ($1)', [
    [over.session.id, expired.session.id],
  ]);
  expect(rows).toEqual([]);
});

test('[SE15] a guest who left before still gives history and role, and no slot', async () => {
  const one = await party({ role: 'commenter' }, { maxParticipants: 2 });
  await world.manager.leaveSession(one.session.id, one.guestId);
  const other = user('Otto');
  const { invite } = await inviteOf(one.session, { role: 'viewer' });
  await world.manager.joinSession({ sessionRef: one.session.id, person: other, invite });
  const una = user('Una');
  expect(await codeOf(signIn(one, una))).toBe('SESSION_FULL');
  await world.manager.leaveSession(one.session.id, other.userId);
  expect(await signIn(one, una)).toMatchObject({ role: 'commenter', activated: true, guestId: one.guestId });
});

test('[AN4] a sign-in says whether the stay of the guest ended, or the user continues it', async () => {
  const ended = async (one: Party, person: Joiner) => (await signIn(one, person)).signedIn!.stayEnded;
  expect(await ended(await party(), user('Una'))).toBe(false);
  const gone = await party();
  await world.manager.leaveSession(gone.session.id, gone.guestId);
  expect(await ended(gone, user('Una'))).toBe(false);

  const member = user('Mia');
  const join = async ({ session, proof }: Party) =>
    world.manager.joinSession({ sessionRef: session.id, person: member, invite: proof.invite });
  const both = await party();
  await join(both);
  expect(await ended(both, member)).toBe(true);
  const returning = await party();
  await join(returning);
  await world.manager.leaveSession(returning.session.id, member.userId);
  expect(await ended(returning, member)).toBe(false);
  // Without the access of the guest, the member takes a slot of their own.
  const withdrawn = await party();
  await join(withdrawn);
  await world.manager.leaveSession(withdrawn.session.id, member.userId);
  const { inviteId } = (await readInvite(withdrawn.proof.invite, [inviteKey]))!;
  await world.invites.revokeInvite(withdrawn.session.id, asOwner(withdrawn), inviteId);
  expect(await signIn(withdrawn, member)).toMatchObject({ activated: true, signedIn: { stayEnded: true } });
});

test('[SE15] a secret that never joined is no guest: the invite lets the user in as usual', async () => {
  const one = await party({ role: 'commenter' });
  const joined = await signIn({ ...one, proof: { ...one.proof, secret: randomUUID() } }, user('Una'));
  expect(joined).toMatchObject({ role: 'commenter', activated: true, signedIn: undefined });
  expect(joined.guestId).toBeUndefined();
});
