import type { ActivityItem } from '../../protocol/entities.ts';

/** A stay of a user in a session, put together from entries of the audit trail. Times are in Unix milliseconds. */
export interface TimelineStay {
  /** The id of the entry that it begins with. */
  id: string;
  userId: string;
  name: string;
  /** Present if it is an agent: a program with a lease. */
  kind?: 'agent';
  joinedAt: number;
  /** Null while the user is still here. */
  leftAt: number | null;
  /** Why it ended; null while the user is still here. */
  cause: string | null;
  /** The entry that says how it ended. */
  departure?: ActivityItem;
  /** The last thing that the user did: a join, an activity, or a leave of their own. */
  lastSign: ActivityItem;
  /** What the user did in between. */
  activities: ActivityItem[];
}

/** A user with all their stays, oldest first. */
export interface TimelinePerson {
  userId: string;
  name: string;
  /** Present if it is an agent: a program with a lease. */
  kind?: 'agent';
  stays: TimelineStay[];
}

/** What the service writes about a user without an act of the user. */
const departures = ['user_left', 'user_timeout'];
const ends = ['session_ended', 'session_expired'];

/**
 * The people of a session with their stays, in the order of their first joins. A guest who signed in is the user, also before: a person is
 * present while any of their ids is. A guest who was present at the sign-in is present until the next leave of the user.
 *
 * @param entries of one session, in any order; those of the same time in their order.
 */
export function staysOf(entries: readonly ActivityItem[]): TimelinePerson[] {
  const signIns = new Map(
    entries
      .filter(({ activityType }) => activityType === 'guest_signed_in')
      .map((entry) => [entry.details?.['guestId'] as string | null, entry]),
  );
  const people = new Map<string, TimelinePerson>();
  /** Which ids are present. */
  const present = new Map<TimelinePerson, Set<string>>();
  for (const entry of entries.toSorted((one, other) => one.createdAt - other.createdAt)) {
    const { activityType: type, details, username, createdAt: at, userId: id } = entry;
    if (ends.includes(type)) {
      for (const [{ stays }, ids] of present) {
        ids.clear();
        close(stays.at(-1), type, entry);
      }
    }
    if (!id) continue;
    const signIn = signIns.get(id);
    const userId = signIn?.userId ?? id;
    const isDeparture = departures.includes(type);
    // After the sign-in only the user can leave.
    if (isDeparture && at > (signIn?.createdAt ?? at)) continue;
    const known = people.get(userId);
    if (!known && !isDeparture && type !== 'user_joined') continue;
    const person = known ?? { userId, name: userId, stays: [] };
    people.set(userId, person);
    const ids = present.get(person) ?? new Set();
    present.set(person, ids);
    person.name = username ?? person.name;
    if (type === 'user_joined' && details?.['kind']) person.kind = 'agent';
    let stay = person.stays.at(-1);
    // The entry of the join may be missing. The departure says how long the stay was.
    const isLost = isDeparture && !stay;
    if (isLost || (type === 'user_joined' && stay?.leftAt !== null)) {
      const seconds = isLost ? Number(details?.['durationSeconds']) || 0 : 0;
      stay = {
        ...{ id: entry.id, userId, name: '', joinedAt: at - 1000 * seconds, leftAt: null, cause: null },
        lastSign: entry,
        activities: [],
      };
      person.stays.push(stay);
    }
    if (!stay) continue;
    if (type === 'user_joined') ids.add(id);
    if (isDeparture) {
      ids.delete(id);
      if (id === userId) for (const each of ids) if (signIns.get(each)!.createdAt < at) ids.delete(each);
      if (ids.size < 1) close(stay, type === 'user_timeout' ? 'timeout' : String(details?.['cause']), entry);
    } else if (stay.leftAt === null) {
      stay.lastSign = entry;
      if (type !== 'user_joined') stay.activities.push(entry);
    }
  }
  for (const { stays, userId: _, ...person } of people.values()) for (const stay of stays) Object.assign(stay, person);
  return [...people.values()];
}

function close(stay: TimelineStay | undefined, cause: string, entry: ActivityItem): void {
  if (!stay) return;
  if (stay.leftAt === null) Object.assign(stay, { leftAt: entry.createdAt, cause });
  // The session ended before; this entry says it of the user.
  else if (!ends.includes(stay.departure!.activityType) || ends.includes(entry.activityType)) return;
  // Of an end and a leave at the same time, the service takes the cause of the leave.
  else if (stay.leftAt === entry.createdAt) stay.cause = cause;
  stay.departure = entry;
  if (cause === 'left') stay.lastSign = entry;
}

/** The stays of who was here at a time (Unix milliseconds), in the order of their joins. */
export const presentAt = (people: readonly TimelinePerson[], at: number): TimelineStay[] =>
  people
    .flatMap(({ stays }) => stays.filter(({ joinedAt, leftAt }) => joinedAt <= at && (leftAt ?? Infinity) > at))
    .sort((one, other) => one.joinedAt - other.joinedAt || (one.userId < other.userId ? -1 : 1));
