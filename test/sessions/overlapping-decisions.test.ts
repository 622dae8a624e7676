import { randomUUID } from 'node:crypto';
import { AgentSlots } from '../../lambdas/sessions/agent-slots.ts';
import { GuestIdentities } from '../../lambdas/sessions/guest-identities.ts';
import { guestIdOf, readInvite } from '../../lambdas/sessions/invites.ts';
import { begin, complete, overlap as overlapIn, type Work } from './overlap.ts';
import { codeOf, inviteKey, minute, type SessionWorld, sessionWorld, user } from './support.ts';

// A join and a decision of the owner whose transactions overlap: the one that began later waits, and counts the earlier one.
let world: SessionWorld;
beforeAll(async () => {
  world = await sessionWorld();
});
afterAll(() => world.close());

const inviteKeys = () => [inviteKey];
const overlap = <T>(earlier: Work<unknown>, later: Work<T>, end?: 'COMMIT' | 'ROLLBACK') =>
  overlapIn(world, earlier, later, end);

const alone = async <T>(work: Work<T>) => complete(await begin(world, work));

/** A session with a user and a guest, who joined as operators with the same invite. */
async function party({ isPublic = false } = {}) {
  const { id, ownerId } = await world.session({ isPublic });
  const owner = { userId: ownerId };
  const { invite } = await world.invites.createInvite(id, owner, { role: 'operator' });
  const ann = user('Ann');
  const secret = randomUUID();
  const guestId = guestIdOf(secret, (await readInvite(invite, inviteKeys()))!.inviteId);
  const join: Work<{ role: string; activated: boolean }> = (manager) =>
    manager.joinSession({ sessionRef: id, person: ann, invite });
  const joinAsGuest: typeof join = (manager) =>
    manager.joinSession({ sessionRef: id, person: { anonymousId: guestId, name: 'Gwen' }, invite });
  const signInAs =
    (person: typeof ann): typeof join =>
    async (manager, client) => {
      const guests = new GuestIdentities({ database: client, inviteKeys, clock: world.now });
      const signedIn = await guests.claim(id, person, { invite, secret });
      const own = signedIn?.granted ? undefined : invite;
      return manager.joinSession({ sessionRef: id, person, invite: own });
    };
  const signIn = signInAs(ann);
  await alone(joinAsGuest);
  world.pass(minute);
  const roleOf = async (personId: string) => {
    const found = (await world.manager.getParticipants(id, { includeLeft: true })).find(
      (each) => (each.userId ?? each.anonymousId) === personId,
    );
    const allowed = await world.manager.hasPermission(id, { userId: personId }, 'view');
    return allowed ? (found?.role ?? null) : null;
  };
  const remove =
    (personId: string): Work<{ removed: boolean; wasActive: boolean }> =>
    (manager) =>
      manager.removeByOwner(id, owner, personId);
  const demote =
    (personId: string): Work<{ role: string }> =>
    (manager) =>
      manager.setRole(id, owner, personId, 'viewer');
  return { id, ownerId, invite, ann, guestId, join, joinAsGuest, signIn, signInAs, remove, demote, roleOf };
}

/** The same, where the user has joined, too. */
async function partyOfTwo(options?: { isPublic?: boolean }) {
  const all = await party(options);
  await alone(all.join);
  world.pass(minute);
  return all;
}

describe('[SE8] a join that overlaps a decision of the owner', () => {
  test('waits for the removal, and is refused as after it', async () => {
    const { ann, join, remove, roleOf } = await partyOfTwo();
    expect(await codeOf(overlap(remove(ann.userId), join))).toBe('INVITE_INVALID');
    expect(await roleOf(ann.userId)).toBeNull();
  });

  test('joins a public session as a viewer after the removal', async () => {
    const { ann, join, remove, roleOf } = await partyOfTwo({ isPublic: true });
    expect(await overlap(remove(ann.userId), join)).toMatchObject({ role: 'viewer', activated: true });
    expect(await roleOf(ann.userId)).toBe('viewer');
  });

  test('waits for the new role, and has it', async () => {
    const { ann, join, demote, roleOf } = await partyOfTwo();
    expect(await overlap(demote(ann.userId), join)).toMatchObject({ role: 'viewer', activated: false });
    expect(await roleOf(ann.userId)).toBe('viewer');
  });

  test('is a join as before if the decision is rolled back', async () => {
    const { ann, join, remove, roleOf } = await partyOfTwo();
    expect(await overlap(remove(ann.userId), join, 'ROLLBACK')).toMatchObject({ role: 'operator', activated: false });
    expect(await roleOf(ann.userId)).toBe('operator');
  });

  test('is waited for by the decision, which then holds', async () => {
    const one = await partyOfTwo();
    const removal = await overlap(one.join, one.remove(one.ann.userId));
    expect(removal).toMatchObject({ removed: true, wasActive: true });
    expect(await one.roleOf(one.ann.userId)).toBeNull();
    const other = await partyOfTwo();
    expect(await overlap(other.join, other.demote(other.ann.userId))).toMatchObject({ role: 'viewer' });
    expect(await other.roleOf(other.ann.userId)).toBe('viewer');
    expect(await alone(other.join)).toMatchObject({ role: 'viewer' });
  });

  test('of a guest waits for it, too, in both orders', async () => {
    const removed = await party();
    expect(await codeOf(overlap(removed.remove(removed.guestId), removed.joinAsGuest))).toBe('INVITE_INVALID');
    expect(await removed.roleOf(removed.guestId)).toBeNull();
    const demoted = await party();
    expect(await overlap(demoted.demote(demoted.guestId), demoted.joinAsGuest)).toMatchObject({ role: 'viewer' });
    const joined = await party();
    expect(await overlap(joined.joinAsGuest, joined.remove(joined.guestId))).toMatchObject({ removed: true });
    expect(await codeOf(alone(joined.joinAsGuest))).toBe('INVITE_INVALID');
  });
});

describe('[SE15] a sign-in that overlaps a decision of the owner', () => {
  test('waits for the removal of the guest, and is refused', async () => {
    const { guestId, ann, signIn, remove, roleOf } = await party();
    expect(await codeOf(overlap(remove(guestId), signIn))).toBe('INVITE_INVALID');
    expect([await roleOf(guestId), await roleOf(ann.userId)]).toEqual([null, null]);
  });

  test('waits for the lower role of the guest, and has it', async () => {
    const { guestId, ann, signIn, demote, roleOf } = await party();
    expect(await overlap(demote(guestId), signIn)).toMatchObject({ role: 'viewer', activated: false });
    expect(await roleOf(ann.userId)).toBe('viewer');
  });

  test('waits for a decision about the user', async () => {
    const removed = await partyOfTwo();
    expect(await codeOf(overlap(removed.remove(removed.ann.userId), removed.signIn))).toBe('INVITE_INVALID');
    expect(await removed.roleOf(removed.ann.userId)).toBeNull();
    const demoted = await partyOfTwo();
    expect(await overlap(demoted.demote(demoted.ann.userId), demoted.signIn)).toMatchObject({ role: 'viewer' });
  });

  test('is waited for by the decision about the user, which then holds', async () => {
    const removed = await partyOfTwo();
    const removal = await overlap(removed.signIn, removed.remove(removed.ann.userId));
    expect(removal).toMatchObject({ removed: true, wasActive: true });
    expect(await removed.roleOf(removed.ann.userId)).toBeNull();
    const demoted = await partyOfTwo();
    expect(await overlap(demoted.signIn, demoted.demote(demoted.ann.userId))).toMatchObject({ role: 'viewer' });
    expect(await demoted.roleOf(demoted.ann.userId)).toBe('viewer');
  });
});

describe('[SE15] a decision about a guest who signed in is one about the user', () => {
  test.each(['meanwhile', 'before'] as const)('if they signed in %s', async (when) => {
    const order = <T>(earlier: Work<unknown>, later: Work<T>): Promise<T> =>
      when === 'meanwhile' ? overlap(earlier, later) : overlap(earlier, async () => undefined).then(() => alone(later));
    const removed = await party();
    const removal = await order(removed.signIn, removed.remove(removed.guestId));
    expect(removal).toMatchObject({ removed: true, participant: { userId: removed.ann.userId } });
    expect(await removed.roleOf(removed.ann.userId)).toBeNull();
    expect(await alone(removed.remove(removed.guestId))).toMatchObject({ removed: false });

    const demoted = await party();
    const participant = await order(demoted.signIn, demoted.demote(demoted.guestId));
    expect(participant).toMatchObject({ userId: demoted.ann.userId, role: 'viewer' });
    expect(await demoted.roleOf(demoted.ann.userId)).toBe('viewer');
    expect(await alone(demoted.join)).toMatchObject({ role: 'viewer' });
  });

  test('but the owner who came as a guest stays, with their role', async () => {
    const { ownerId, guestId, signInAs, remove, demote, roleOf } = await party();
    await alone(signInAs({ userId: ownerId, username: 'Olga' }));
    expect(await alone(remove(guestId))).toMatchObject({ removed: false });
    expect(await codeOf(alone(demote(guestId)))).toBe('NOT_IN_SESSION');
    expect(await roleOf(ownerId)).toBe('operator');
  });
});

test('[SE3] a join that overlaps the end of its own slot takes it again, and says so', async () => {
  const { id, ann, join } = await partyOfTwo();
  const leave: Work<unknown> = (manager) => manager.leaveSession(id, ann.userId);
  expect(await overlap(leave, join)).toMatchObject({ role: 'operator', activated: true });
});

test('[SA8] an agent that is removed while it joins does not come back', async () => {
  const { id, remove } = await party();
  const agentId = randomUUID();
  const take: Work<unknown> = (_, client) =>
    new AgentSlots(client, world.timings).take(id, { agentId, name: 'Agent' }, world.now());
  await overlap(async () => {}, take);
  expect(await codeOf(overlap(remove(agentId), take))).toBe('PERMISSION_DENIED');
});
