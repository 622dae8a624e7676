import type { Role } from '../protocol/entities.ts';
import type { Own } from './own.ts';
import { isSame, type Json, type Presence, type WireUser } from './presence.ts';
import type { SessionInfo, SessionSnapshot, SessionState, User, UserCursor } from './types.ts';

/** The state of a session without its users. */
export interface Shown {
  state: SessionState;
  info: SessionInfo | undefined;
  role: Role | undefined;
}

const isSameList = (one: readonly unknown[], other: readonly unknown[]) =>
  one.length === other.length && one.every((each, index) => each === other[index]);

/**
 * Builds the snapshots of a session for the application. They are immutable and stay the same objects while nothing changes.
 *
 * @returns a function that returns the present snapshot.
 */
export function createSnapshots(
  shown: Shown,
  presence: Presence,
  own: Own,
  selfId: () => string | undefined,
): () => SessionSnapshot {
  const cursorViews = new WeakMap<Json, UserCursor>();
  let last: SessionSnapshot | undefined;

  /** The user of this client with unconfirmed changes; other users as they are. */
  function viewOf(user: WireUser): WireUser {
    if (user.userId !== selfId()) return user;
    const view = own.show(user);
    return isSame(view, last?.self) ? (last!.self as WireUser) : view;
  }

  function cursorOf({ userId, cursor }: User): UserCursor {
    const view = cursorViews.get(cursor!) ?? { userId, cursor: cursor!, at: presence.times.get(userId)! };
    cursorViews.set(cursor!, view);
    return view;
  }

  return () => {
    const users = [...presence.users.values()].map(viewOf) as User[];
    const others = users.filter(({ userId }) => userId !== selfId());
    const self = users.find(({ userId }) => userId === selfId());
    const lists = { others, users, cursors: others.filter(({ cursor }) => cursor).map(cursorOf) };
    const { state, info, role } = shown;
    const next: SessionSnapshot = { state, isStale: state === 'stale', info, role, self, ...lists };
    for (const name of ['others', 'users', 'cursors'] as const) {
      const before = last?.[name];
      if (before && isSameList(before, lists[name])) Object.assign(next, { [name]: before });
    }
    if (!last || !isSameList(Object.values(next), Object.values(last))) last = next;
    return last;
  };
}
