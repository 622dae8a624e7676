import { randomUUID } from 'node:crypto';
import { AgentSlots } from '../../lambdas/sessions/agent-slots.ts';
import { codeOf, type SessionWorld, sessionWorld, user } from './support.ts';

let world: SessionWorld;
beforeAll(async () => {
  world = await sessionWorld();
});
afterAll(() => world.close());

const actions = ['view', 'comment', 'operate', 'manage'] as const;
async function allowed(id: string, personId: string) {
  const answers = await Promise.all(
    actions.map((action) => world.manager.hasPermission(id, { userId: personId }, action)),
  );
  return actions.filter((_, index) => answers[index]);
}

describe('hasPermission', () => {
  test('[SE1] depends on the stored role and ownership', async () => {
    const { id, ownerId } = await world.session();
    const person = user();
    expect(await allowed(id, person.userId)).toEqual([]);
    await world.manager.addParticipant(id, person.userId);
    expect(await allowed(id, person.userId)).toEqual(['view']);
    await world.manager.setRole(id, { userId: ownerId }, person.userId, 'operator');
    expect(await allowed(id, person.userId)).toEqual(['view', 'comment', 'operate']);
    expect(await allowed(id, ownerId)).toEqual([...actions]);
  });

  test('[SE1] lets the owner manage without a slot', async () => {
    const { id, ownerId } = await world.session();
    await world.manager.leaveSession(id, ownerId);
    expect(await allowed(id, ownerId)).toEqual([...actions]);
  });

  test('[SE5] permits nothing in an unknown session', async () => {
    expect(await allowed(randomUUID(), randomUUID())).toEqual([]);
    expect(await allowed('nonsense', randomUUID())).toEqual([]);
  });
});

describe('authorize', () => {
  test('[SE1] returns the access, or refuses with the fitting code', async () => {
    const { id, ownerId } = await world.session();
    const person = user();
    await world.manager.addParticipant(id, person.userId, 'commenter');
    expect(await world.manager.authorize(id, person, 'comment')).toMatchObject({
      session: { id },
      access: { isOwner: false, role: 'commenter', isPublic: false },
      participant: { userId: person.userId, isActive: true },
    });
    expect(await codeOf(world.manager.authorize(id, person, 'operate'))).toBe('PERMISSION_DENIED');
    expect(await codeOf(world.manager.authorize(randomUUID(), { userId: ownerId }, 'view'))).toBe('SESSION_NOT_FOUND');
    await world.manager.endSession(id);
    expect(await codeOf(world.manager.authorize(id, { userId: ownerId }, 'view'))).toBe('SESSION_INACTIVE');
    expect(await world.manager.authorize(id, { userId: ownerId }, 'view', { evenEnded: true })).toMatchObject({
      session: { id },
    });
  });
});

describe('addParticipant', () => {
  test('[SE1] adds a viewer by default, keeps an existing role, and keeps the owner operator', async () => {
    const { id, ownerId } = await world.session();
    const person = user();
    expect(await world.manager.addParticipant(id, person.userId)).toMatchObject({ role: 'viewer', activated: true });
    await world.manager.addParticipant(id, person.userId, 'commenter');
    expect(await world.manager.addParticipant(id, person.userId)).toMatchObject({
      role: 'commenter',
      activated: false,
    });
    expect(await world.manager.addParticipant(id, ownerId, 'viewer')).toMatchObject({ role: 'operator' });
  });

  test('[SE3] needs a free slot', async () => {
    const { id } = await world.session({ maxParticipants: 1 });
    expect(await codeOf(world.manager.addParticipant(id, randomUUID()))).toBe('SESSION_FULL');
  });

  test('[SE3] uses the limit MAX_PARTICIPANTS if the session sets none', async () => {
    const { id } = await world.session();
    const codes = await Promise.all(
      Array.from({ length: 50 }, () => codeOf(world.manager.addParticipant(id, randomUUID()))),
    );
    expect(codes.filter((code) => code === 'SESSION_FULL')).toHaveLength(1);
    expect(await world.manager.getParticipants(id)).toHaveLength(50);
  });
});

describe('setRole', () => {
  test('[SE8] takes effect at the next check, and the role is kept after a leave', async () => {
    const { id, ownerId } = await world.session({ isPublic: true });
    const person = user();
    await world.manager.joinSession({ sessionRef: id, person });
    expect(await world.manager.setRole(id, { userId: ownerId }, person.userId, 'operator')).toMatchObject({
      role: 'operator',
    });
    expect(await world.manager.hasPermission(id, person, 'operate')).toBe(true);
    await world.manager.leaveSession(id, person.userId);
    await world.manager.setRole(id, { userId: ownerId }, person.userId, 'commenter');
    expect(await world.manager.joinSession({ sessionRef: id, person })).toMatchObject({ role: 'commenter' });
  });

  test('[SE1] is permitted only to the owner, and only for other participants', async () => {
    const { id, ownerId } = await world.session();
    const person = user();
    await world.manager.addParticipant(id, person.userId, 'operator');
    const asked = (actor: string, subject: string) =>
      codeOf(world.manager.setRole(id, { userId: actor }, subject, 'viewer'));
    expect(await asked(person.userId, person.userId)).toBe('PERMISSION_DENIED');
    expect(await asked(person.userId, ownerId)).toBe('PERMISSION_DENIED');
    expect(await asked(ownerId, ownerId)).toBe('PERMISSION_DENIED');
    expect(await asked(ownerId, randomUUID())).toBe('NOT_IN_SESSION');
    expect(await codeOf(world.manager.setRole(id, { userId: ownerId }, person.userId, 'owner' as never))).toBe(
      'INVALID_MESSAGE',
    );
  });

  test('is no sign of life of the participant', async () => {
    const { id, ownerId } = await world.session();
    const person = user();
    const { participant } = await world.manager.addParticipant(id, person.userId);
    world.pass(60_000);
    expect((await world.manager.setRole(id, { userId: ownerId }, person.userId, 'operator')).lastSeenAt).toBe(
      participant.lastSeenAt,
    );
  });
});

describe('removing', () => {
  test('[SE8] releases slot and right at once, and the user can rejoin only a public session', async () => {
    const { id, ownerId } = await world.session();
    const person = user();
    await world.manager.addParticipant(id, person.userId, 'operator');
    expect(await world.manager.removeByOwner(id, { userId: ownerId }, person.userId)).toMatchObject({
      ...{ removed: true, wasActive: true, participant: { isActive: false, leftAt: world.now() } },
    });
    expect(await allowed(id, person.userId)).toEqual([]);
    expect(await codeOf(world.manager.joinSession({ sessionRef: id, person }))).toBe('PERMISSION_DENIED');

    const open = await world.session({ isPublic: true });
    await world.manager.addParticipant(open.id, person.userId, 'operator');
    await world.manager.removeParticipant(open.id, person.userId);
    expect(await world.manager.joinSession({ sessionRef: open.id, person })).toMatchObject({ role: 'viewer' });
  });

  test('[SE9] happens once, even if many calls run at the same time', async () => {
    const { id } = await world.session();
    const person = user();
    await world.manager.addParticipant(id, person.userId);
    const results = await Promise.all(
      Array.from({ length: 10 }, () => world.manager.removeParticipant(id, person.userId)),
    );
    expect(results.filter((result) => result.removed)).toHaveLength(1);
    expect(await world.manager.removeParticipant(id, randomUUID())).toMatchObject({ removed: false });
  });

  test('[SE8] removes the right of a user who has already left', async () => {
    const { id } = await world.session();
    const person = user();
    await world.manager.addParticipant(id, person.userId);
    await world.manager.leaveSession(id, person.userId);
    expect(await world.manager.removeParticipant(id, person.userId)).toMatchObject({ removed: true, wasActive: false });
    expect(await codeOf(world.manager.joinSession({ sessionRef: id, person }))).toBe('PERMISSION_DENIED');
  });

  test('[SE1] is permitted only to the owner, who cannot be removed', async () => {
    const { id, ownerId } = await world.session();
    const person = user();
    await world.manager.addParticipant(id, person.userId, 'operator');
    expect(await codeOf(world.manager.removeByOwner(id, person, ownerId))).toBe('PERMISSION_DENIED');
    expect(await codeOf(world.manager.removeByOwner(id, person, person.userId))).toBe('PERMISSION_DENIED');
    expect(await codeOf(world.manager.removeByOwner(id, { userId: ownerId }, ownerId))).toBe('PERMISSION_DENIED');
  });
});

describe('getParticipants', () => {
  test('lists the participants with a slot, and on request earlier ones', async () => {
    const { id } = await world.session({ isPublic: true });
    const [first, second] = [user('First'), user('Second')];
    for (const person of [first, second]) {
      world.pass(1000);
      await world.manager.joinSession({ sessionRef: id, person });
    }
    await world.manager.leaveSession(id, first.userId);
    const names = (list: { name: string | null }[]) => list.map((participant) => participant.name);
    expect(names(await world.manager.getParticipants(id))).toEqual(['Olga', 'Second']);
    expect(names(await world.manager.getParticipants(id, { includeLeft: true }))).toEqual(['Second', 'First', 'Olga']);
  });

  test('[SA10] names for each stay of an agent the user of its last change in that stay', async () => {
    const { id } = await world.session();
    const agentId = randomUUID();
    const [ada, bob, carol] = [randomUUID(), randomUUID(), randomUUID()];
    const join = async (onBehalfOf: string) => {
      world.pass(1000);
      const agents = new AgentSlots(world.database.pool, world.timings);
      await agents.take(id, { agentId, name: 'Agent', onBehalfOf }, world.now());
    };
    const listedNow = async () => {
      const listed = await world.manager.getParticipants(id);
      return listed.find(({ anonymousId }) => anonymousId === agentId)?.onBehalfOf;
    };
    const stay = async (onBehalfOf: string, changes: (string | null)[]) => {
      await join(onBehalfOf);
      for (const changed of changes) {
        world.pass(1000);
        await world.database.pool.query(
          `INSERT INTO activity_log (id, session_id, user_id, activity_type, details, created_at)
          VALUES (gen_random_uuid(), $1, $2, 'agent_reassigned', $3, to_timestamp($4::float8 / 1000))`,
          [id, agentId, JSON.stringify(changed ? { onBehalfOf: changed } : {}), world.now()],
        );
      }
      const listed = await listedNow();
      world.pass(1000);
      // It comes back before its slot is released.
      await join(carol);
      expect(await listedNow()).toBe(carol);
      world.pass(1000);
      await world.manager.leaveSession(id, agentId);
      return listed;
    };
    expect(await stay(ada, [])).toBe(ada);
    expect(await stay(ada, [bob, null])).toBeUndefined();
    expect(await stay(ada, [])).toBe(ada);
    expect(await stay(ada, [null, bob])).toBe(bob);
    const ever = await world.manager.getParticipants(id, { includeLeft: true });
    expect(ever.filter(({ kind }) => kind).map(({ onBehalfOf }) => onBehalfOf)).toEqual([carol]);
  });
});
