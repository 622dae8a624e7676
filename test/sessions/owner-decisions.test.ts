import { randomUUID } from 'node:crypto';
import { GuestIdentities } from '../../lambdas/sessions/guest-identities.ts';
import { guestIdOf, readInvite } from '../../lambdas/sessions/invites.ts';
import type { AccessClaim } from '../../protocol/access-claim.ts';
import type { Role } from '../../protocol/entities.ts';
import { codeOf, inviteKey, minute, type SessionWorld, sessionWorld, user } from './support.ts';

// An invite from before a decision of the owner gives no more than that decision, whatever the person did meanwhile.
let world: SessionWorld;
beforeAll(async () => {
  world = await sessionWorld();
});
afterAll(() => world.close());

type Joiner = ReturnType<typeof user> & { claim?: AccessClaim };

/** A session with an invite for operators, and a person who joined with it. */
async function opened({ isPublic = true } = {}) {
  const { id, ownerId } = await world.session({ isPublic });
  const owner = { userId: ownerId };
  const invited = async (role: Role) => {
    world.pass(minute);
    return world.invites.createInvite(id, owner, { role });
  };
  const old = await invited('operator');
  const join = (person: Joiner, invite?: string) => world.manager.joinSession({ sessionRef: id, person, invite });
  const decide = async (decision: Promise<unknown>) => {
    await decision;
    world.pass(minute);
  };
  const remove = async (personId: string) => {
    world.pass(minute);
    await decide(world.manager.removeByOwner(id, owner, personId));
  };
  const setRole = async (personId: string, role: Role) => {
    world.pass(minute);
    await decide(world.manager.setRole(id, owner, personId, role));
  };
  const ann: Joiner = user('Ann');
  await join(ann, old.invite);
  return { id, ownerId, owner, old: old.invite, oldId: old.inviteId, invited, join, remove, setRole, ann };
}

type Opened = Awaited<ReturnType<typeof opened>>;

/** A guest who joined with the invite. */
async function guestOf({ id }: Opened, invite: string) {
  const proof = { invite, secret: randomUUID() };
  const { inviteId } = (await readInvite(invite, [inviteKey]))!;
  const anonymousId = guestIdOf(proof.secret, inviteId);
  await world.manager.joinSession({ sessionRef: id, person: { anonymousId, name: 'Gwen' }, invite });
  return { proof, guestId: anonymousId };
}

/** Signs in, and joins as the flow does. */
async function signIn({ id, join }: Opened, { proof }: Awaited<ReturnType<typeof guestOf>>, person: Joiner) {
  const guests = new GuestIdentities({
    ...{ database: world.database.pool, inviteKeys: () => [inviteKey], clock: world.now },
  });
  const signedIn = await guests.claim(id, person, proof);
  return join(person, signedIn?.granted ? undefined : proof.invite);
}

describe('[SE8] after a removal an older invite gives nothing', () => {
  test('to a user who joined the public session again, however often', async () => {
    const { join, remove, invited, old, ann } = await opened();
    await remove(ann.userId);
    for (const invite of [old, undefined, old, old]) {
      const refused = invite === undefined ? null : 'removed';
      expect(await join(ann, invite)).toMatchObject({ role: 'viewer', inviteRefusal: refused, inviteId: null });
    }
    const { id } = (await join(ann)).session;
    await world.manager.leaveSession(id, ann.userId);
    world.pass(minute);
    expect(await join(ann, old)).toMatchObject({ role: 'viewer', inviteRefusal: 'removed' });
    const fresh = await invited('commenter');
    expect(await join(ann, fresh.invite)).toMatchObject({ role: 'commenter', inviteId: fresh.inviteId });
    expect(await join(ann, old)).toMatchObject({ role: 'commenter', inviteRefusal: 'removed' });
  });

  test('to a user who returned with a newer invite', async () => {
    const { join, remove, invited, old, ann } = await opened({ isPublic: false });
    await remove(ann.userId);
    expect(await codeOf(join(ann, old))).toBe('INVITE_INVALID');
    const fresh = await invited('viewer');
    expect(await join(ann, fresh.invite)).toMatchObject({ role: 'viewer', inviteRefusal: null });
    expect(await join(ann, old)).toMatchObject({ role: 'viewer', inviteRefusal: 'removed' });
  });

  test('to a user who joined with an access claim and without it', async () => {
    const { join, remove, old, ann } = await opened();
    await remove(ann.userId);
    expect(await join({ ...ann, claim: { 'op-1': 'commenter' } })).toMatchObject({ role: 'commenter' });
    expect(await join(ann)).toMatchObject({ role: 'viewer' });
    expect(await join(ann, old)).toMatchObject({ role: 'viewer', inviteRefusal: 'removed' });
  });

  test('to a user to whom the owner gave a slot again, beyond the role that came with it', async () => {
    const { id, join, remove, old, ann } = await opened({ isPublic: false });
    await remove(ann.userId);
    expect(await world.manager.addParticipant(id, ann.userId)).toMatchObject({ role: 'viewer' });
    expect(await join(ann, old)).toMatchObject({ role: 'viewer', inviteRefusal: 'removed' });
    await world.manager.addParticipant(id, ann.userId, 'commenter');
    expect(await join(ann, old)).toMatchObject({ role: 'commenter', inviteRefusal: 'removed' });
  });

  test('also if it was made after an earlier removal or a lower role', async () => {
    const { join, remove, setRole, invited, ann } = await opened();
    await setRole(ann.userId, 'viewer');
    const between = await invited('operator');
    await remove(ann.userId);
    await join(ann);
    expect(await join(ann, between.invite)).toMatchObject({ role: 'viewer', inviteRefusal: 'removed' });
    const later = await invited('operator');
    await remove(ann.userId);
    await join(ann);
    expect(await join(ann, later.invite)).toMatchObject({ role: 'viewer', inviteRefusal: 'removed' });
  });

  test('to a user who takes over the slot of a guest', async () => {
    const one = await opened();
    const { join, remove, old, ann } = one;
    const guest = await guestOf(one, old);
    await remove(ann.userId);
    await join(ann);
    expect(await signIn(one, guest, ann)).toMatchObject({ role: 'viewer', inviteRefusal: 'removed' });
    expect(await join(ann, old)).toMatchObject({ role: 'viewer', inviteRefusal: 'removed' });
  });

  test('to a user who took over the slot of a guest with a newer invite', async () => {
    const one = await opened({ isPublic: false });
    const { join, remove, invited, old, ann } = one;
    await remove(ann.userId);
    const guest = await guestOf(one, (await invited('commenter')).invite);
    expect(await signIn(one, guest, ann)).toMatchObject({ role: 'commenter', inviteRefusal: null });
    expect(await join(ann, old)).toMatchObject({ role: 'commenter', inviteRefusal: 'removed' });
  });
});

describe('[SE8] after the owner lowered a role an older invite does not raise it', () => {
  test('after any number of joins, and a newer invite does', async () => {
    const { id, join, setRole, invited, old, ann } = await opened();
    await setRole(ann.userId, 'viewer');
    await world.manager.leaveSession(id, ann.userId);
    await join(ann);
    await join({ ...ann, claim: { 'op-1': 'operator' } });
    expect(await join(ann, old)).toMatchObject({ role: 'viewer', inviteId: null });
    const fresh = await invited('commenter');
    expect(await join(ann, fresh.invite)).toMatchObject({ role: 'commenter', inviteId: fresh.inviteId });
  });

  test('[SE15] also if the guest who had the role signed in without its invite', async () => {
    const one = await opened();
    const { id, join, setRole, invited, owner, old } = one;
    const { invite, inviteId } = await invited('operator');
    const guest = await guestOf(one, invite);
    const second = await guestOf(one, old);
    await setRole(guest.guestId, 'viewer');
    await world.invites.revokeInvite(id, owner, inviteId);
    const una = user('Una');
    expect(await signIn(one, guest, una)).toMatchObject({ role: 'viewer', guestId: guest.guestId });
    expect(await join(una, old)).toMatchObject({ role: 'viewer', inviteId: null });
    expect(await signIn(one, second, una)).toMatchObject({ role: 'viewer' });
    expect(await join(una, (await invited('commenter')).invite)).toMatchObject({ role: 'commenter' });
  });
});
