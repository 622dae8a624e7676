import { randomUUID } from 'node:crypto';
import type { Caller } from '../../../lambdas/flows/callers/caller.ts';
import type { Step } from '../../../lambdas/flows/seating/run-steps.ts';
import type { Join } from '../../../lambdas/flows/seating/seating.ts';
import type { Services } from '../../../lambdas/services/services.ts';
import { createDatabase } from '../../support/database.ts';
import { redisUrl } from '../../support/redis.ts';
import { createConnectionTable, testAwsVariables } from '../../support/tables.ts';

type Flows = typeof import('../../../lambdas/flows/seating/seat-connection.ts') &
  typeof import('../../../lambdas/flows/seating/join-steps.ts') &
  typeof import('../../../lambdas/flows/journal/departures.ts') &
  typeof import('../../../lambdas/flows/presence/visit-sessions.ts') &
  typeof import('../../../lambdas/flows/sweep/reconcile-slots.ts');

const stepNames = ['slot', 'membership', 'seat', 'slot again', 'record and tell', 'answer'];
/** A time long after all time limits of presence. */
const laterMillis = 10 * 60_000;

let database: Awaited<ReturnType<typeof createDatabase>>;
let flows: Flows;
let services: Services;

beforeAll(async () => {
  database = await createDatabase();
  Object.assign(process.env, {
    ...{ DATABASE_URL: database.url, REDIS_URL: redisUrl(11), OUTBOX_TABLE: 'unused' },
    ...{ CONNECTIONS_TABLE: await createConnectionTable(), ...testAwsVariables() },
    MANAGEMENT_ENDPOINT: 'http://127.0.0.1:9',
  });
  flows = {
    ...(await import('../../../lambdas/flows/seating/seat-connection.ts')),
    ...(await import('../../../lambdas/flows/seating/join-steps.ts')),
    ...(await import('../../../lambdas/flows/journal/departures.ts')),
    ...(await import('../../../lambdas/flows/presence/visit-sessions.ts')),
    ...(await import('../../../lambdas/flows/sweep/reconcile-slots.ts')),
  };
  ({ services } = await import('../../../lambdas/composition/services.ts'));
});
afterAll(async () => {
  await services.redis.quit();
  await services.database.end();
  await services.sweepDatabase.end();
  await database.drop();
});

/** A public session whose owner is not present, and a user who will join it. */
class Room {
  readonly sessionId: string;
  readonly caller: Caller;

  constructor(sessionId: string) {
    this.sessionId = sessionId;
    this.caller = {
      ...{ connectionId: randomUUID(), userId: randomUUID(), username: 'Ada', scopes: [] },
      ...{ ipAddress: null, userAgent: null },
    };
  }

  static async make(): Promise<Room> {
    const owner = randomUUID();
    const { id } = await services.sessions.createSession(owner, 'op', { isPublic: true }, { username: 'Owner' });
    await services.sessions.leaveSession(id, owner, 'left');
    return new Room(id);
  }

  join(steps: readonly Step<Join>[] = flows.joinSteps, connectionId = this.caller.connectionId) {
    const caller = { ...this.caller, connectionId };
    const person = { userId: caller.userId, username: caller.username, externalId: undefined };
    const takeSlot = () => services.sessions.joinSession({ sessionRef: this.sessionId, person, invite: undefined });
    return flows.runJoin(services, caller, takeSlot, {}, steps);
  }

  /** The state of the user in the stores. */
  async state(connectionId = this.caller.connectionId) {
    const [slots, isPresent, membership] = await Promise.all([
      services.sessions.getParticipants(this.sessionId),
      services.presence.store.isPresent(this.sessionId, this.caller.userId),
      services.registry.membership(connectionId, this.sessionId),
    ]);
    return { slots: slots.length, isPresent, isMember: membership !== undefined };
  }

  /** The movements of the user in the audit trail, oldest first. */
  async trail(): Promise<string[]> {
    const { rows } = await database.pool.query<{ type: string }>(
      'SELECT activity_type AS type FROM activity_log WHERE session_id = $1 AND user_id = $2 ORDER BY created_at, id',
      [this.sessionId, this.caller.userId],
    );
    return rows.map(({ type }) => type);
  }

  /** Ends the stay. The trail has the leave and the slot is free, but the leave is still in the movement journal. */
  async leaveInTrailAndJournal(): Promise<void> {
    const seat = { sessionId: this.sessionId, userId: this.caller.userId, connectionId: this.caller.connectionId };
    const { departures } = await services.presence.store.depart(seat, 'left', Date.now());
    await flows.recordDeparture(services, this.sessionId, departures[0]!);
  }

  /** Does the work of the sweep: visits the session and gives back slots without presence. */
  async sweep(at: number): Promise<void> {
    await flows.expireAndRecord(services, this.sessionId, at);
    await flows.reconcileSlots(services, at);
  }
}

/** The steps, of which one fails before or after its work. */
function failingAt(name: string, when: 'before' | 'after'): Step<Join>[] {
  return flows.joinSteps.map((step) => {
    if (step.name !== name) return step;
    return {
      ...step,
      async do(join) {
        if (when === 'after') await step.do(join);
        throw new Error(`${name} failed`);
      },
    };
  });
}

/** The steps of an invocation that is killed after one of them: no later step and no undo runs. */
function killedAfter(name: string): Step<Join>[] {
  return flows.joinSteps.slice(0, stepNames.indexOf(name) + 1);
}

test('a join has exactly these steps', () => {
  expect(flows.joinSteps.map(({ name }) => name)).toEqual(stepNames);
});

describe.each(stepNames)('[FA6] a join whose invocation is killed after the step %s', (name) => {
  test('is completed when the client repeats it, with one slot and one entry in the audit trail', async () => {
    const room = await Room.make();
    await room.join(killedAfter(name));
    await room.join();
    await room.sweep(Date.now());
    expect(await room.state()).toEqual({ slots: 1, isPresent: true, isMember: true });
    expect(await room.trail()).toEqual(['user_joined']);
  });

  test('leaves no slot and no presence behind if the client never returns', async () => {
    const room = await Room.make();
    await room.join(killedAfter(name));
    await room.sweep(Date.now() + laterMillis);
    await room.sweep(Date.now() + 2 * laterMillis);
    expect(await room.state()).toMatchObject({ slots: 0, isPresent: false });
    expect([[], ['user_joined', 'user_timeout']]).toContainEqual(await room.trail());
  });
});

describe.each(
  stepNames.flatMap((name) => [
    { name, when: 'before' as const },
    { name, when: 'after' as const },
  ]),
)('[FA6] a join whose step $name fails $when its work', ({ name, when }) => {
  test('leaves no membership, no seat and no slot behind', async () => {
    const room = await Room.make();
    await expect(room.join(failingAt(name, when))).rejects.toThrow(`${name} failed`);
    expect(await room.state()).toEqual({ slots: 0, isPresent: false, isMember: false });
    await room.sweep(Date.now());
    expect([[], ['user_joined', 'user_left']]).toContainEqual(await room.trail());
  });

  test('does not affect another tab of the user', async () => {
    const room = await Room.make();
    await room.join();
    const second = randomUUID();
    await expect(room.join(failingAt(name, when), second)).rejects.toThrow(`${name} failed`);
    expect(await room.state()).toEqual({ slots: 1, isPresent: true, isMember: true });
    expect(await room.state(second)).toMatchObject({ isMember: false });
    await room.sweep(Date.now());
    expect(await room.trail()).toEqual(['user_joined']);
  });
});

/** The steps, of which the seat is not taken because Redis is away, and `meanwhile` happens instead. */
function unseated(meanwhile?: () => Promise<unknown>): Step<Join>[] {
  const work = async () => void (await meanwhile?.());
  return flows.joinSteps.map((step) => (step.name === 'seat' ? { ...step, do: work } : step));
}

/** The steps, of which the seat is taken although the answer of Redis is lost. */
function seatedUnheard(): Step<Join>[] {
  return flows.joinSteps.map((step) => {
    if (step.name !== 'seat') return step;
    return {
      ...step,
      async do(join) {
        while (Date.now() <= join.membership.joinedAt) await new Promise((resolve) => setImmediate(resolve));
        await step.do(join);
        join.outcome = undefined;
      },
    };
  });
}

test('[PR9] a join that took its seat although the answer of Redis was lost is in the audit trail once', async () => {
  const room = await Room.make();
  await room.join(seatedUnheard());
  await room.sweep(Date.now());
  expect(await room.state()).toEqual({ slots: 1, isPresent: true, isMember: true });
  expect(await room.trail()).toEqual(['user_joined']);
});

describe('[PR9] if Redis has a leave that is recorded already, and two tabs return, of which one does not reach Redis', () => {
  let room: Room;
  const tabs = [randomUUID(), randomUUID()] as const;

  beforeEach(async () => {
    room = await Room.make();
    await room.join();
    await room.leaveInTrailAndJournal();
  });

  test.each([
    [
      'first',
      async () => {
        await room.join(unseated(), tabs[0]);
        await room.join(flows.joinSteps, tabs[1]);
      },
    ],
    [
      'last',
      () =>
        room.join(
          unseated(() => room.join(flows.joinSteps, tabs[1])),
          tabs[0],
        ),
    ],
  ])('the join is recorded once, also if that one ends %s', async (_, join) => {
    await join();
    await room.sweep(Date.now());
    expect(await room.trail()).toEqual(['user_joined', 'user_left', 'user_joined']);
  });
});
