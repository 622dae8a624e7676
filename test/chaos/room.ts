import type { PresenceUser } from '../../protocol/entities.ts';
import type { Person } from './person.ts';
import type { Tab } from './tab.ts';

/** A session and everybody who ever goes there. */
export interface Room {
  sessionId: string;
  people: Person[];
}

/** Somebody's look at a room. */
export interface View {
  owner: Person;
  tab: Tab;
  users: ReadonlyMap<string, PresenceUser>;
}

/** The views that have to be right: of tabs that others have to see, and whose client misses nothing. */
export function viewsOf(room: Room, now: number, settledMillis: number): View[] {
  return room.people.flatMap((owner) =>
    owner.tabs
      .filter((tab) => owner.solidTab(now, settledMillis) === tab && tab.attendee.replica.isComplete)
      .map((tab) => ({ owner, tab, users: tab.attendee.replica.users })),
  );
}
