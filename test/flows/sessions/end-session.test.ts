import type { Session } from '../../../protocol/entities.ts';
import { SessionBed } from './session-bed.ts';

let bed: SessionBed;
beforeAll(async () => {
  bed = await SessionBed.start();
});
afterAll(() => bed.close());

/** How many statements the end of a session with some people sends to PostgreSQL. */
async function statementsOfEnd(people: number): Promise<{ session: Session; statements: number }> {
  const { owner, session } = await bed.host();
  for (let person = 1; person < people; person += 1) await bed.join(session);
  const query = jest.spyOn(bed.services.database, 'query');
  await bed.flows.endSession(bed.services, owner, session.id, 'completed');
  const statements = query.mock.calls.length;
  query.mockRestore();
  return { session, statements };
}

test('[SE9] [PR9] the end of a session with many people needs no more statements than with few, and records each leave', async () => {
  const few = await statementsOfEnd(2);
  const many = await statementsOfEnd(30);
  expect(many.statements).toBe(few.statements);
  const leaves = (await bed.trail(many.session)).filter(({ type }) => type === 'user_left');
  expect(leaves).toHaveLength(30);
  expect(new Set(leaves.map(({ cause }) => cause))).toEqual(new Set(['session_ended']));
  expect(await bed.services.sessions.getParticipants(many.session.id)).toEqual([]);
});

test('[SE9] the participants are told of the end while the leaves are still being recorded', async () => {
  const { owner, session } = await bed.host();
  const guest = await bed.join(session);
  const told = Promise.withResolvers<void>();
  const isTold = jest.fn();
  const { activity, broadcaster } = bed.services;
  const services = bed.with({
    activity: {
      logWithin: activity.logWithin.bind(activity),
      logActivities: activity.logActivities.bind(activity),
      // The first step of recording ends only after the frame went out.
      lastMovements: async (queries: Parameters<typeof activity.lastMovements>[0]) => {
        await told.promise;
        return activity.lastMovements(queries);
      },
    },
    broadcaster: {
      ...broadcaster,
      broadcast: async (...[connectionIds, frame, options]: Parameters<typeof broadcaster.broadcast>) => {
        if (frame.type === 'session_ended') {
          isTold(connectionIds);
          told.resolve();
        }
        return broadcaster.broadcast(connectionIds, frame, options);
      },
    },
  });
  await bed.flows.endSession(services, owner, session.id, undefined);
  expect(isTold.mock.calls).toEqual([[[guest.connectionId]]]);
});
