import type { LastSeenUpdate } from '../../../lambdas/flows/presence/visit-sessions.ts';
import { LastSeenUpdates } from '../../../lambdas/flows/sweep/last-seen-updates.ts';
import type { Services } from '../../../lambdas/services/services.ts';
import { testServices } from '../../support/test-services.ts';

let now = 1_000_000;
const services = testServices({ clock: () => now });
const statements: { seen: readonly LastSeenUpdate[]; due: readonly LastSeenUpdate[] }[] = [];
const writeDown = async (_: Services, seen: readonly LastSeenUpdate[], due: readonly LastSeenUpdate[] = seen) =>
  void statements.push({ seen, due });
let updates: LastSeenUpdates;

beforeEach(() => {
  statements.length = 0;
  updates = new LastSeenUpdates(services, writeDown);
});

const people = (sessions: number) =>
  Array.from({ length: 2 * sessions }, (_, index) => ({
    ...{ sessionId: `s${Math.floor(index / 2)}`, userId: `u${index}`, at: now },
  }));

test('[PR12] the last-seen updates of one round are one statement for any number of sessions', async () => {
  for (const lastSeenUpdates of people(1000)) updates.add([lastSeenUpdates]);
  updates.write();
  await updates.written();
  expect(statements.map(({ due }) => due.length)).toEqual([2000]);
});

test('[PR12] the time of a user is written at most every 30 seconds, however often their session is visited', async () => {
  const times: number[] = [];
  for (let second = 0; second < 95; second += 1) {
    updates.add(people(1));
    updates.write();
    await updates.written();
    if (statements.at(-1)!.due.length > 0) times.push(second);
    now += 1000;
  }
  expect(times).toEqual([0, 30, 60, 90]);
  // The check of the slots gets all seen users each time.
  expect(statements.every(({ seen }) => seen.length === 2)).toBe(true);
});

test('[FA3] while one statement hangs, later updates wait for it, and the visits do not', async () => {
  const hanging = Promise.withResolvers<void>();
  let begun = 0;
  const slow = new LastSeenUpdates(services, () => {
    begun += 1;
    return hanging.promise;
  });
  for (let visits = 0; visits < 5; visits += 1) {
    slow.add(people(1));
    slow.write();
  }
  expect(begun).toBe(1);
  hanging.resolve();
  await slow.written();
  expect(begun).toBe(2);
});

test('nothing is written if no user was seen', async () => {
  updates.add([]);
  updates.write();
  await updates.written();
  expect(statements).toEqual([]);
});
