import { createHmac, randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import { readInvite, signInvite } from '../../lambdas/sessions/invites.ts';
import { JoinRefused } from '../../lambdas/sessions/refusals.ts';
import { codeOf, guest, hour, inviteKey, minute, type SessionWorld, sessionWorld, user } from './support.ts';

let world: SessionWorld;
beforeAll(async () => {
  world = await sessionWorld();
});
afterAll(() => world.close());

type Terms = Parameters<SessionWorld['invites']['createInvite']>[2];

async function invited(terms: Terms = { role: 'commenter' }) {
  const session = await world.session();
  const created = await world.invites.createInvite(session.id, { userId: session.ownerId }, terms);
  const enter = (person: ReturnType<typeof user> | ReturnType<typeof guest>, invite = created.invite) =>
    world.manager.joinSession({ sessionRef: session.id, person, invite });
  return { ...session, ...created, enter };
}

const refusal = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: JoinRefused) => error,
  );

describe('an invite', () => {
  test('[SE7] lets a new user join with its role, and the result names the invite', async () => {
    const { enter, inviteId, sessionId, id } = await invited();
    expect(sessionId).toBe(id);
    expect(await enter(user())).toMatchObject({ role: 'commenter', activated: true, inviteId, inviteRefusal: null });
  });

  test('[SE7] is stored only as a hash, which is no valid invite', async () => {
    const { invite, inviteId } = await invited();
    const { rows } = await world.database.pool.query('SELECT * FROM session_invites WHERE id = $1', [inviteId]);
    expect(JSON.stringify(rows)).not.toContain(invite);
    expect(rows[0].token_hash).toHaveLength(32);
  });

  test('[SE7] expires at its own time, with the documented message', async () => {
    const { enter, expiresAt } = await invited({ role: 'viewer', expiresInSeconds: 60 });
    expect(expiresAt).toBe(world.now() + minute);
    world.pass(minute - 1);
    expect(await codeOf(enter(user()))).toBe('none');
    world.pass(1);
    expect(await refusal(enter(user()))).toMatchObject({
      code: 'INVITE_EXPIRED',
      message: 'This invitation link has expired. Sessions become inactive after 1 hour of no activity.',
      inviteRefusal: 'expired',
    });
  });

  test('[SE5] to an expired session is answered with INVITE_EXPIRED, and for the owner with SESSION_INACTIVE', async () => {
    const { enter, id, inviteId, ownerId } = await invited({ role: 'viewer' });
    world.pass(hour);
    const refused = await refusal(enter(user()));
    expect(refused).toBeInstanceOf(JoinRefused);
    expect(refused).toMatchObject({ code: 'INVITE_EXPIRED', inviteId, sessionId: id, inviteRefusal: 'expired' });
    const owner = { ...user(), userId: ownerId };
    expect(await codeOf(world.manager.joinSession({ sessionRef: id, person: owner }))).toBe('SESSION_INACTIVE');
    expect(await codeOf(world.manager.joinSession({ sessionRef: id, person: user() }))).toBe('SESSION_NOT_FOUND');
  });

  test('[SE7] that was revoked is refused, and earlier participants stay', async () => {
    const { enter, id, ownerId, inviteId } = await invited();
    const early = user();
    await enter(early);
    expect(await world.invites.revokeInvite(id, { userId: ownerId }, inviteId)).toEqual({
      sessionId: id,
      revoked: true,
    });
    expect(await world.invites.revokeInvite(id, { userId: ownerId }, inviteId)).toEqual({
      sessionId: id,
      revoked: false,
    });
    expect(await refusal(enter(user()))).toMatchObject({ code: 'INVITE_INVALID', inviteRefusal: 'revoked', inviteId });
    expect(await enter(early)).toMatchObject({ role: 'commenter', inviteRefusal: 'revoked' });
  });

  test('[SE7] with three uses is used three times, even if many users try at the same time', async () => {
    const { enter } = await invited({ role: 'viewer', maxUses: 3 });
    const refused = (await Promise.all(Array.from({ length: 20 }, () => refusal(enter(user()))))).filter(Boolean);
    expect(refused).toHaveLength(17);
    expect(new Set(refused.map((error) => error!.inviteRefusal))).toEqual(new Set(['used_up']));
  });

  test('[SE7] is not used up by a rejoin or by the owner', async () => {
    const { enter, ownerId, inviteId } = await invited({ role: 'viewer', maxUses: 1 });
    await enter({ userId: ownerId, username: 'Olga' });
    const person = user();
    await enter(person);
    expect(await enter(person)).toMatchObject({ activated: false, inviteId: null });
    const { rows } = await world.database.pool.query('SELECT uses FROM session_invites WHERE id = $1', [inviteId]);
    expect(rows).toEqual([{ uses: 1 }]);
  });

  test('[SE7] is not used up by a user who is refused because the session is full', async () => {
    const session = await world.session({ maxParticipants: 1 });
    const { invite, inviteId } = await world.invites.createInvite(
      session.id,
      { userId: session.ownerId },
      { role: 'viewer' },
    );
    const join = world.manager.joinSession({ sessionRef: session.id, person: user(), invite });
    expect(await codeOf(join)).toBe('SESSION_FULL');
    const { rows } = await world.database.pool.query('SELECT uses FROM session_invites WHERE id = $1', [inviteId]);
    expect(rows).toEqual([{ uses: 0 }]);
  });

  test('[SE1] raises a role and never lowers one', async () => {
    const { enter, id, ownerId } = await invited({ role: 'operator' });
    const lower = await world.invites.createInvite(id, { userId: ownerId }, { role: 'viewer' });
    const person = user();
    await enter(person, lower.invite);
    expect(await enter(person)).toMatchObject({ role: 'operator', activated: false });
    expect(await enter(person, lower.invite)).toMatchObject({ role: 'operator' });
    expect(await enter({ userId: ownerId, username: 'Olga' }, lower.invite)).toMatchObject({ role: 'operator' });
  });

  test('[SE8] that is older than a decision of the owner does not change it, and a newer one does', async () => {
    const { enter, id, ownerId } = await invited({ role: 'operator' });
    const person = user();
    await enter(person);
    world.pass(1000);
    await world.manager.setRole(id, { userId: ownerId }, person.userId, 'viewer');
    expect(await enter(person)).toMatchObject({ role: 'viewer' });
    await world.manager.removeByOwner(id, { userId: ownerId }, person.userId);
    expect(await refusal(enter(person))).toMatchObject({ code: 'INVITE_INVALID', inviteRefusal: 'removed' });
    world.pass(1000);
    const fresh = await world.invites.createInvite(id, { userId: ownerId }, { role: 'commenter' });
    expect(await enter(person, fresh.invite)).toMatchObject({ role: 'commenter', activated: true });
  });

  test('[SE7] can be created and revoked only by the owner', async () => {
    const { enter, id, inviteId } = await invited({ role: 'operator' });
    const person = user();
    await enter(person);
    expect(await codeOf(world.invites.createInvite(id, person, { role: 'viewer' }))).toBe('PERMISSION_DENIED');
    expect(await codeOf(world.invites.revokeInvite(id, person, inviteId))).toBe('PERMISSION_DENIED');
    expect(await codeOf(world.invites.createInvite(id, user(), { role: 'viewer' }))).toBe('SESSION_NOT_FOUND');
  });

  test('[SE7] to another session is invalid', async () => {
    const here = await world.session();
    const there = await invited();
    expect(await codeOf(world.invites.revokeInvite(here.id, { userId: here.ownerId }, there.inviteId))).toBe(
      'INVITE_INVALID',
    );
    const join = world.manager.joinSession({ sessionRef: here.id, person: user(), invite: there.invite });
    expect(await refusal(join)).toMatchObject({ code: 'INVITE_INVALID', inviteRefusal: 'unknown' });
  });

  test.each([
    { role: 'owner' as never },
    { role: 'viewer' as const, expiresInSeconds: 0 },
    { role: 'viewer' as const, expiresInSeconds: Number.NaN },
    { role: 'viewer' as const, expiresInSeconds: 31_536_001 },
    { role: 'viewer' as const, maxUses: 0 },
    { role: 'viewer' as const, maxUses: 1.5 },
  ])('is refused with terms %j', async (terms) => {
    const { id, ownerId } = await world.session();
    expect(await codeOf(world.invites.createInvite(id, { userId: ownerId }, terms))).toBe('INVALID_MESSAGE');
  });
});

describe('a guest', () => {
  test('[SE7] is a participant with an anonymous id, and needs the invite for each join', async () => {
    const { enter, id, inviteId, ownerId } = await invited({ role: 'viewer', maxUses: 1 });
    const visitor = guest('Gina');
    world.pass(1);
    expect(await enter(visitor)).toMatchObject({ role: 'viewer', inviteId });
    const participants = await world.manager.getParticipants(id);
    expect(participants[1]).toMatchObject({ userId: null, anonymousId: visitor.anonymousId, name: 'Gina' });
    await world.manager.leaveSession(id, visitor.anonymousId);
    expect(await enter(visitor)).toMatchObject({ activated: true, inviteId: null });
    await world.manager.leaveSession(id, visitor.anonymousId);
    expect(await codeOf(world.manager.joinSession({ sessionRef: id, person: visitor }))).toBe('SESSION_NOT_FOUND');
    await world.invites.revokeInvite(id, { userId: ownerId }, inviteId);
    expect(await refusal(enter(visitor))).toMatchObject({ code: 'INVITE_INVALID', inviteRefusal: 'revoked' });
  });

  test('[SE7] cannot join another session, not even a public one', async () => {
    const { invite } = await invited();
    const open = await world.session({ isPublic: true });
    const visitor = guest();
    const enter = (credentials: { invite?: string }) =>
      codeOf(world.manager.joinSession({ sessionRef: open.id, person: visitor, ...credentials }));
    expect([await enter({}), await enter({ invite })]).toEqual(['SESSION_NOT_FOUND', 'PERMISSION_DENIED']);
  });

  test('[SE1] may not manage the session, even with the role operator', async () => {
    const { enter, id } = await invited({ role: 'operator' });
    const visitor = guest();
    await enter(visitor);
    expect(await world.manager.hasPermission(id, { userId: visitor.anonymousId }, 'operate')).toBe(true);
    expect(await world.manager.hasPermission(id, { userId: visitor.anonymousId }, 'manage')).toBe(false);
  });
});

describe('readInvite', () => {
  const claims = () => ({ inviteId: randomUUID(), sessionId: randomUUID(), expiresAt: Date.now() });
  const otherKey = new TextEncoder().encode('another secret of 32 bytes or even more');

  test('[SE7] accepts invites signed with any of the keys, so that keys can be replaced', async () => {
    const written = claims();
    const token = await signInvite(written, [inviteKey]);
    expect(await readInvite(token, [otherKey, inviteKey])).toEqual(written);
    expect(await readInvite(token, [otherKey])).toBeUndefined();
  });

  test('[SE7] refuses invites that are forged, changed, unsigned or tokens of another kind', async () => {
    const token = await signInvite(claims(), [inviteKey]);
    const [header, , signature] = token.split('.');
    const payload = Buffer.from(JSON.stringify(claims())).toString('base64url');
    const unsigned = Buffer.from(JSON.stringify({ alg: 'none', typ: 'rollcall-invite' })).toString('base64url');
    const jwt = await new SignJWT({ ...claims() }).setProtectedHeader({ alg: 'HS256' }).sign(inviteKey);
    const strong = Buffer.from(JSON.stringify({ alg: 'HS512', typ: 'rollcall-invite' })).toString('base64url');
    const hs512 = createHmac('sha512', inviteKey).update(`${strong}.${payload}`).digest('base64url');
    const forgeries = [`${header}.${payload}.${signature}`, `${unsigned}.${payload}.`, jwt, '', 'x', 'a.b.c'];
    for (const forgery of [...forgeries, `${strong}.${payload}.${hs512}`]) {
      expect(await readInvite(forgery, [inviteKey])).toBeUndefined();
    }
  });

  test('[SE7] a forged invite is refused, and does not stop a user who may join without it', async () => {
    const closed = await world.session();
    const open = await world.session({ isPublic: true });
    const invite = await signInvite(claims(), [otherKey]);
    const join = world.manager.joinSession({ sessionRef: closed.id, person: user(), invite });
    expect(await refusal(join)).toMatchObject({ code: 'INVITE_INVALID', inviteRefusal: 'forged' });
    expect(await world.manager.joinSession({ sessionRef: open.id, person: user(), invite })).toMatchObject({
      ...{ role: 'viewer', inviteRefusal: 'forged' },
    });
  });
});
