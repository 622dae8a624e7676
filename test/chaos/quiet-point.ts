import { setTimeout as pause } from 'node:timers/promises';
import { type Appearance, viewFaults } from '../harness/checks/views.ts';
import { measureAgain, scaleLimit, timeLimits } from '../support/time-limits.ts';
import type { Findings } from './findings.ts';
import type { Inspector } from './inspector.ts';
import type { Person } from './person.ts';
import { type Room, type View, viewsOf } from './room.ts';

/** How long the delivery of a cursor may take on an idle machine while all users send at once, in milliseconds. */
const arrivalMillis = 6000;

/**
 * Waits until no join or leave is running, lets each user send their state again, and then compares each view field by field: users,
 * connections, status, activity, cursors.
 *
 * @param overdueMillis the bound after which no user may be shown who has left.
 * @param restMillis how long joins and leaves may run before the views are compared anyway.
 */
export async function checkQuiet(
  rooms: Room[],
  inspector: Inspector,
  overdueMillis: number,
  findings: Findings,
  restMillis = timeLimits.test,
): Promise<void> {
  await comeToRest(rooms, inspector, overdueMillis, restMillis);
  const people = rooms.flatMap((room) => room.people);
  await Promise.all(people.map((person) => person.settle()));
  const pointing = new Set<Person>();
  const point = async (person: Person) => {
    if (person.chosen !== 'online') return;
    if (await person.point()) pointing.add(person);
    else if (person.solidTab(Date.now())) findings.violated('quiet', `${person.userId} could not send a cursor`);
  };
  await Promise.all(people.map(point));
  const differences = await agreement(rooms, pointing, inspector.silenceMillis);
  for (const difference of differences) findings.violated('quiet', difference);
  findings.count('quiet points');
  findings.count(
    'views compared',
    rooms.reduce((sum, room) => sum + viewsOf(room, Date.now(), 0).length, 0),
  );
}

/**
 * Waits as long as the rules allow, and returns the differences that remain. A tab whose end was lost counts as a connection until its
 * timeout, and again after each restoration. The number of connections may differ for that time (rules PR12, FA2).
 */
async function agreement(rooms: Room[], pointing: Set<Person>, silenceMillis: number): Promise<string[]> {
  const begun = Date.now();
  let isMeasured = false;
  for (;;) {
    const differences = differencesOf(rooms, pointing);
    const waited = Date.now() - begun;
    const isCountOnly = differences.every((difference) => difference.includes(' with connections '));
    const allowed = isCountOnly ? silenceMillis : scaleLimit(arrivalMillis);
    if (differences.length === 0 || (waited > allowed && isMeasured)) return differences;
    if (waited > allowed) {
      await measureAgain();
      isMeasured = true;
    }
    await pause(200);
  }
}

async function comeToRest(
  rooms: Room[],
  inspector: Inspector,
  overdueMillis: number,
  restMillis: number,
): Promise<void> {
  const people = rooms.flatMap((room) => room.people);
  for (const person of people) {
    person.idle = false;
    for (const tab of person.tabs) if (tab.frozen) tab.thaw();
  }
  const restless = () =>
    people.some((person) => {
      const onTheWay = person.tabs.some((tab) => !tab.end && (tab.joinedAt === undefined || tab.leaving));
      const until = inspector.visibleUntil(person);
      const lingers = person.tabs.some((tab) => tab.end && Date.now() < tab.end.at + overdueMillis);
      return onTheWay || lingers || (until !== Number.POSITIVE_INFINITY && Date.now() < until + overdueMillis);
    });
  const deadline = Date.now() + restMillis;
  while (restless() && Date.now() < deadline) await pause(100);
}

function differencesOf(rooms: Room[], pointing: Set<Person>): string[] {
  return rooms.flatMap((room) => {
    const views = viewsOf(room, Date.now(), 0);
    const tabs = room.people.flatMap((person) => person.tabs.filter((tab) => !tab.end));
    const incomplete = tabs.filter((tab) => tab.joinedAt === undefined || !tab.attendee.replica.isComplete).length;
    const unready = incomplete > 0 ? [`${incomplete} clients have no whole state`] : [];
    return [...unready, ...views.flatMap((view) => differencesIn(view, room, pointing))];
  });
}

function differencesIn({ owner, users }: View, room: Room, pointing: Set<Person>): string[] {
  const others = room.people.filter((person) => person !== owner && person.solidTab(Date.now()));
  const truth = new Map(others.map((person) => [person.userId, appearanceOf(person, pointing)]));
  const shown = new Map(
    [...users.values()]
      .filter(({ userId }) => userId !== owner.userId)
      .map(({ userId, status, activity = null, connections, cursor }) => [
        userId,
        { status, activity, connections, position: cursor?.position as number | undefined },
      ]),
  );
  return viewFaults(shown, truth).map((fault) => `in the view of ${owner.userId}, ${fault}`);
}

function appearanceOf(person: Person, pointing: Set<Person>): Appearance {
  const { chosen: status, activity, cursor } = person;
  const connections = person.tabs.filter((tab) => !tab.end).length;
  return { status, activity, connections, ...(pointing.has(person) ? { position: cursor?.position } : {}) };
}
