import { setTimeout as pause } from 'node:timers/promises';
import type { PresenceUser } from '../../protocol/entities.ts';
import { timeLimits } from '../support/time-limits.ts';
import type { Findings } from './findings.ts';
import type { Inspector } from './inspector.ts';
import type { Person } from './person.ts';
import { type Room, type View, viewsOf } from './room.ts';

/** How long a cursor and its window may take on a busy machine. */
const arrivalMillis = 6000;

/**
 * Waits until nobody is on the way, lets everybody say once more what is true, and then holds every view to it field by
 * field: people, connections, status, activity, cursors.
 *
 * @param ghostMillis the bound after which nobody may be shown who is gone.
 * @param restMillis how long everybody may be on the way before the views are compared anyway.
 */
export async function checkQuiet(
  rooms: Room[],
  inspector: Inspector,
  ghostMillis: number,
  findings: Findings,
  restMillis = timeLimits.test,
): Promise<void> {
  await comeToRest(rooms, inspector, ghostMillis, restMillis);
  const people = rooms.flatMap((room) => room.people);
  await Promise.all(people.map((person) => person.settle()));
  const pointing = new Set<Person>();
  const point = async (person: Person) => {
    if (person.chosen !== 'online') return;
    if (await person.point()) pointing.add(person);
    else if (person.solidTab(Date.now())) findings.violated('quiet', `${person.userId} could not point`);
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
 * Waits for as long as the rules allow and answers what differs then. A tab whose end was lost is counted until its silence
 * is noticed, and once more after each restoring: the count of connections has that long (rules PR12, FA2).
 */
async function agreement(rooms: Room[], pointing: Set<Person>, silenceMillis: number): Promise<string[]> {
  const begun = Date.now();
  for (;;) {
    const differences = differencesOf(rooms, pointing);
    const waited = Date.now() - begun;
    const isCountOnly = differences.every((difference) => difference.includes(' with connections '));
    if (differences.length === 0 || waited > (isCountOnly ? silenceMillis : arrivalMillis)) return differences;
    await pause(200);
  }
}

async function comeToRest(rooms: Room[], inspector: Inspector, ghostMillis: number, restMillis: number): Promise<void> {
  const people = rooms.flatMap((room) => room.people);
  for (const person of people) {
    person.idle = false;
    for (const tab of person.tabs) if (tab.frozen) tab.thaw();
  }
  const restless = () =>
    people.some((person) => {
      const onTheWay = person.tabs.some((tab) => !tab.end && (tab.joinedAt === undefined || tab.leaving));
      const until = inspector.visibleUntil(person);
      const lingers = person.tabs.some((tab) => tab.end && Date.now() < tab.end.at + ghostMillis);
      return onTheWay || lingers || (until !== Number.POSITIVE_INFINITY && Date.now() < until + ghostMillis);
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
  const found: string[] = [];
  const known = new Set(room.people.map((person) => person.userId));
  for (const userId of users.keys()) if (!known.has(userId)) found.push(`${userId} is a stranger`);
  for (const person of room.people) {
    if (person === owner) continue;
    const user = users.get(person.userId);
    if (!person.solidTab(Date.now())) {
      if (user) found.push(`${owner.userId} sees ${person.userId}, who is gone`);
    } else if (!user) found.push(`${owner.userId} does not see ${person.userId}`);
    else
      found.push(...wrongFields(person, user, pointing).map((text) => `${owner.userId} sees ${person.userId} ${text}`));
  }
  return found;
}

function wrongFields(person: Person, user: PresenceUser, pointing: Set<Person>): string[] {
  const truth: [field: string, seen: unknown, is: unknown][] = [
    ['status', user.status, person.chosen],
    ['activity', user.activity ?? null, person.activity],
    ['connections', user.connections, person.tabs.filter((tab) => !tab.end).length],
  ];
  if (pointing.has(person)) truth.push(['cursor', user.cursor?.position, person.cursor?.position]);
  return truth.filter(([, seen, is]) => seen !== is).map(([field, seen, is]) => `with ${field} ${seen}, not ${is}`);
}
