import type { PresenceUser } from '../../protocol/entities.ts';
import type { Person } from './person.ts';
import type { Tab } from './tab.ts';

/** A session and the users who join it. */
export interface Room {
  sessionId: string;
  people: Person[];
}

/** The view of one tab on a room. */
export interface View {
  owner: Person;
  tab: Tab;
  users: ReadonlyMap<string, PresenceUser>;
}

/** The views that must be correct: those of present tabs whose clients have no gaps. */
export function viewsOf(room: Room, now: number, settledMillis: number): View[] {
  return room.people.flatMap((owner) =>
    owner.tabs
      .filter((tab) => owner.solidTab(now, settledMillis) === tab && tab.attendee.replica.isComplete)
      .map((tab) => ({ owner, tab, users: tab.attendee.replica.users })),
  );
}
