import type { Role } from '../protocol/entities.ts';
import type { Own } from './own.ts';
import { isSame, type Json, type Presence, type WireUser } from './presence.ts';
import type { SessionInfo, SessionSnapshot, SessionState, User, UserCursor } from './types.ts';

/** What a session is, beside the people in it. */
export interface Shown {
  state: SessionState;
  info: SessionInfo | undefined;
  role: Role | undefined;
}

const isSameList = (one: readonly unknown[], other: readonly unknown[]) =>
  one.length === other.length && one.every((each, index) => each === other[index]);

/**
 * Makes what the application is shown of a session: immutable, and the same objects while nothing changes.
 *
 * @returns a function that gives the present snapshot.
 */
export function createSnapshots(
  shown: Shown,
  presence: Presence,
  own: Own,
  selfId: () => string | undefined,
): () => SessionSnapshot {
  const cursorViews = new WeakMap<Json, UserCursor>();
  let last: SessionSnapshot | undefined;

  /** The person of this client, with what was said and is not confirmed yet. */
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
    const next: SessionSnapshot = { state, isStale: state === 'stale', info, role: self?.role ?? role, self, ...lists };
    for (const name of ['others', 'users', 'cursors'] as const) {
      const before = last?.[name];
      if (before && isSameList(before, lists[name])) Object.assign(next, { [name]: before });
    }
    if (!last || !isSameList(Object.values(next), Object.values(last))) last = next;
    return last;
  };
}
