import { randomUUID } from 'node:crypto';
import { type AccessClaim, claimedRole } from '../../protocol/access-claim.ts';
import { type Role, roles } from '../../protocol/entities.ts';
import { SeededRandom } from '../harness/seeded-random.ts';
import { codeOf, hour, minute, type SessionWorld, sessionWorld, user } from './support.ts';

let world: SessionWorld;
beforeEach(async () => {
  world = await sessionWorld();
});
afterEach(() => world.close());

/** A session of a key, begun by somebody without a claim. */
async function keyed(key: string, metadata: { isPublic?: boolean } = {}) {
  const owner = user('Olga');
  const { id } = await world.keys.open({ key, metadata, isPublic: false, owner });
  return { id, owner };
}

const withClaim = <P extends object>(person: P, claim: AccessClaim) => ({ ...person, claim });
const join = (id: string, person: ReturnType<typeof user> & { claim?: AccessClaim }, invite?: string) =>
  world.manager.joinSession({ sessionRef: id, person, invite });

describe('[SE12] an access claim', () => {
  test('lets its holder join only the covered keys, in its role', async () => {
    const { id } = await keyed('team-7/plan');
    const open = await keyed('other', { isPublic: true });
    const ann = withClaim(user('Ann'), { 'team-7/*': 'commenter' });
    expect(await join(id, ann)).toMatchObject({ role: 'commenter', activated: true });
    expect(await codeOf(join(open.id, ann))).toBe('SESSION_NOT_FOUND');
    expect(await codeOf(world.manager.authorize(open.id, ann, 'view'))).toBe('SESSION_NOT_FOUND');
    const allowed = (['view', 'comment', 'operate', 'manage'] as const).map((action) =>
      world.manager.hasPermission(id, ann, action),
    );
    expect(await Promise.all(allowed)).toEqual([true, true, false, false]);
  });

  test('decides alone: an invite adds no right and is not used up', async () => {
    const { id, owner } = await keyed('doc-1');
    const { invite } = await world.invites.createInvite(id, owner, { role: 'operator', maxUses: 1 });
    expect(await join(id, withClaim(user(), { 'doc-1': 'viewer' }), invite)).toMatchObject({
      ...{ role: 'viewer', inviteId: null, inviteRefusal: null },
    });
    expect(await codeOf(join(id, withClaim(user(), { other: 'viewer' }), invite))).toBe('SESSION_NOT_FOUND');
    expect(await join(id, user(), invite)).toMatchObject({ role: 'operator' });
  });

  test('decides the role even of the owner', async () => {
    const { id, owner } = await keyed('doc-1');
    const lower = withClaim(owner, { 'doc-1': 'viewer' });
    expect(await join(id, lower)).toMatchObject({ role: 'viewer' });
    for (const action of ['comment', 'manage'] as const)
      expect(await codeOf(world.manager.authorize(id, lower, action))).toBe('PERMISSION_DENIED');
    const elsewhere = withClaim(owner, { 'doc-2': 'operator' });
    expect(await codeOf(world.manager.authorize(id, elsewhere, 'view'))).toBe('SESSION_NOT_FOUND');
    const full = withClaim(owner, { 'doc-1': 'operator' });
    expect(await world.manager.authorize(id, full, 'manage')).toMatchObject({ session: { id } });
    expect(await join(id, owner)).toMatchObject({ role: 'operator' });
  });

  test('gives no right after its expiry', async () => {
    const { id } = await keyed('doc-1');
    const ann = user('Ann');
    await join(id, withClaim(ann, { 'doc-1': 'operator' }));
    expect(await codeOf(world.manager.authorize(id, ann, 'view'))).toBe('SESSION_NOT_FOUND');
    expect(await world.manager.listSessionsOf(ann)).toEqual({ items: [] });
    expect(await world.keys.list('doc-1', ann)).toEqual({ items: [] });
    expect(await codeOf(join(id, ann))).toBe('SESSION_NOT_FOUND');
    await world.manager.leaveSession(id, ann.userId);
    expect(await codeOf(join(id, ann))).toBe('SESSION_NOT_FOUND');
  });

  test('does not change the stored role of the user', async () => {
    const { id } = await keyed('doc-1');
    const ann = user('Ann');
    await world.manager.addParticipant(id, ann.userId, 'commenter', ann);
    for (const role of ['operator', 'viewer'] as const) {
      expect(await join(id, withClaim(ann, { 'doc-1': role }))).toMatchObject({ role, activated: false });
      expect(await world.manager.hasPermission(id, ann, 'comment')).toBe(true);
      expect(await world.manager.hasPermission(id, ann, 'operate')).toBe(false);
    }
    expect(await join(id, ann)).toMatchObject({ role: 'commenter', activated: false });
  });

  test('is stronger than a removal by the owner, which lasts only until the next join', async () => {
    const { id, owner } = await keyed('doc-1');
    const ann = withClaim(user('Ann'), { 'doc-1': 'viewer' });
    await join(id, ann);
    const asked = world.manager.setRole(id, owner, ann.userId, 'operator');
    await expect(asked).rejects.toMatchObject({
      code: 'PERMISSION_DENIED',
      message: expect.stringContaining('token decides'),
    });
    expect(await world.manager.removeByOwner(id, owner, ann.userId)).toMatchObject({ removed: true });
    expect(await join(id, ann)).toMatchObject({ role: 'viewer', activated: true });
  });

  test('does not undo a removal: without the claim, an older invite is still refused', async () => {
    const { id, owner } = await keyed('doc-1');
    const { invite } = await world.invites.createInvite(id, owner, { role: 'viewer' });
    const ann = user('Ann');
    await join(id, ann, invite);
    world.pass(minute);
    await world.manager.removeByOwner(id, owner, ann.userId);
    await join(id, withClaim(ann, { 'doc-1': 'viewer' }));
    await world.manager.leaveSession(id, ann.userId);
    expect(await codeOf(join(id, ann, invite))).toBe('INVITE_INVALID');
    world.pass(minute);
    const fresh = await world.invites.createInvite(id, owner, { role: 'viewer' });
    expect(await join(id, ann, fresh.invite)).toMatchObject({ role: 'viewer' });
  });

  test('lets its holder list exactly the covered sessions, whoever created them', async () => {
    const keys = ['team-7/a', 'team-7/b', 'doc_1', 'docx1', 'team-8/a'];
    const ids = new Map<string, string>();
    for (const key of keys) {
      ids.set(key, (await keyed(key)).id);
      world.pass(minute);
    }
    const listed = async (claim: AccessClaim, page?: { limit?: number; before?: string | undefined }) => {
      const { items, next } = await world.manager.listSessionsOf(withClaim(user(), claim), page);
      return { keys: items.map(({ key }) => key), next };
    };
    expect((await listed({ 'team-7/*': 'viewer', doc_1: 'viewer' })).keys).toEqual(['doc_1', 'team-7/b', 'team-7/a']);
    expect((await listed({ 'doc_*': 'viewer' })).keys).toEqual(['doc_1']);
    expect((await listed({ '*': 'viewer' })).keys).toEqual([...keys].reverse());
    expect((await listed({})).keys).toEqual([]);
    const first = await listed({ 'team-*': 'viewer' }, { limit: 2 });
    expect(first.keys).toEqual(['team-8/a', 'team-7/b']);
    expect((await listed({ 'team-*': 'viewer' }, { limit: 2, before: first.next })).keys).toEqual(['team-7/a']);
    expect((await world.keys.list('doc_1', withClaim(user(), { doc_1: 'viewer' }))).items).toMatchObject([
      { id: ids.get('doc_1') },
    ]);
    expect(await world.keys.list('doc_1', withClaim(user(), { 'team-7/*': 'operator' }))).toEqual({ items: [] });
  });

  test('decides by the least role of each session which audit trails its holder may read', async () => {
    const owner = user('Olga');
    const metadata = { visibility: { activity: 'commenter' as const } };
    const { id } = await world.keys.open({ key: 'doc-1', metadata, isPublic: true, owner });
    const read = (person: { userId: string }, claim: AccessClaim) =>
      world.keys.audited('doc-1', withClaim(person, claim));
    expect(await read(user(), { 'doc-1': 'viewer' })).toEqual([]);
    expect(await read(user(), { 'doc-1': 'commenter' })).toEqual([{ id, isOwner: false }]);
    expect(await read(owner, { 'doc-1': 'viewer' })).toEqual([]);
    expect(await read(owner, { 'doc-1': 'operator' })).toEqual([{ id, isOwner: true }]);
    expect(await read(owner, { 'doc-2': 'operator' })).toEqual([]);
  });

  test('costs no additional statement', async () => {
    const { id } = await keyed('doc-1', { isPublic: true });
    const statements = jest.spyOn(world.database.pool, 'query');
    const counted = async (person: ReturnType<typeof user> & { claim?: AccessClaim }) => {
      statements.mockClear();
      await join(id, person);
      await world.manager.authorize(id, person, 'view');
      await world.manager.listSessionsOf(person);
      await world.keys.list('doc-1', person);
      await world.keys.audited('doc-1', person);
      return statements.mock.calls.length;
    };
    const without = await counted(user());
    expect(without).toBe(5);
    for (const name of ['doc-1', 'doc-*', '*'])
      expect(await counted(withClaim(user(), { [name]: 'viewer' }))).toBe(without);
  });

  test('has the same meaning in PostgreSQL and in the functions', async () => {
    const random = new SeededRandom(12);
    const word = (length: number) => Array.from({ length }, () => 'ab/*%_'[random.below(6)]).join('');
    const cases = Array.from({ length: 400 }, () => {
      const names = Array.from(
        { length: random.int(0, 5) },
        () => word(random.int(1, 4)) + (random.chance(0.5) ? '*' : ''),
      );
      return {
        claim: Object.fromEntries(names.map((name) => [name, roles[random.below(roles.length)]])) as Record<
          string,
          Role
        >,
        key: word(random.int(1, 5)),
      };
    });
    const { rows } = await world.database.pool.query<{ role: Role | null }>(
      `SELECT claimed_role(c -> 'claim', c ->> 'key') AS role
       FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS cases (c, place) ORDER BY place`,
      [JSON.stringify(cases)],
    );
    const expected = cases.map(({ claim, key }) => claimedRole(claim, key) ?? null);
    expect(rows.map(({ role }) => role)).toEqual(expected);
    expect(new Set(expected).size).toBe(4);
  });
});

describe('[SE13] a session that a user may not see', () => {
  /** What every call says to a person about a reference. */
  const answers = (reference: string, person: ReturnType<typeof user> & { claim?: AccessClaim }, invite?: string) =>
    Promise.all(
      [
        join(reference, person),
        ...(invite === undefined ? [] : [join(reference, person, invite)]),
        join(reference, person, 'no invite at all'),
        ...(['view', 'comment', 'operate', 'manage'] as const).map((action) =>
          world.manager.authorize(reference, person, action, { evenEnded: action === 'manage' }),
        ),
        world.manager.setRole(reference, person, randomUUID(), 'viewer'),
        world.manager.removeByOwner(reference, person, randomUUID()),
        world.manager.endSession(reference, { asker: person }),
        world.manager.recoverSession(reference, person),
        world.invites.createInvite(reference, person, { role: 'viewer' }),
        world.invites.revokeInvite(reference, person, randomUUID()),
      ].map((work: Promise<unknown>) => work.catch((error: Error & { code: string }) => [error.code, error.message])),
    );

  test.each<[string, (id: string) => Promise<unknown>]>([
    ['is active', async () => {}],
    ['has ended', (id) => world.manager.endSession(id)],
    ['has expired', async () => world.pass(hour)],
  ])('and that %s is answered as one that does not exist', async (_, change) => {
    const { id } = await keyed('doc-1');
    const open = await keyed('doc-2', { isPublic: true });
    const elsewhere = await world.invites.createInvite(open.id, open.owner, { role: 'viewer' });
    await change(id);
    await change(open.id);
    const nothing = randomUUID();
    for (const person of [user(), withClaim(user(), { 'doc-3': 'operator' })]) {
      const expected = await answers(nothing, person, elsewhere.invite);
      expect(await answers(id, person, elsewhere.invite)).toEqual(expected);
      expect(new Set(expected.flat()).has('PERMISSION_DENIED')).toBe(false);
    }
    const claimed = withClaim(user(), { 'doc-3': 'operator' });
    expect(await answers(open.id, claimed)).toEqual(await answers(nothing, claimed));
  });
});
