import type { decodeFrame } from '../protocol/compact.ts';
import type { Role } from '../protocol/entities.ts';
import type { Own } from './own.ts';
import type { CursorAt, Diff, Json, Snapshot, WireUser } from './presence.ts';
import { applyCursors, applyDiff, applySnapshot, type Change, nobody, type Presence, readCompact } from './presence.ts';
import type { SessionInfo, SessionSnapshot, SessionState, User, UserCursor } from './types.ts';

/** The state of one session as the application sees it: immutable, and the same objects while nothing changes. */
export interface Store {
  state: SessionState;
  info: SessionInfo | undefined;
  role: Role | undefined;
  readonly presence: Presence;
  apply(frame: Snapshot | Diff): Change;
  move(cursors: readonly CursorAt[]): void;
  /** @returns the cursors of a compact frame, and whether a new snapshot is needed to understand it. */
  read(frame: NonNullable<ReturnType<typeof decodeFrame>>): ReturnType<typeof readCompact>;
  snapshot(): SessionSnapshot;
  /** What the application is shown of a user; the same object for the same one. */
  view(user: WireUser): User;
}

const isSameList = (one: readonly unknown[], other: readonly unknown[]) =>
  one.length === other.length && one.every((each, index) => each === other[index]);

export function createStore(own: Own, selfId: () => string | undefined): Store {
  let presence = nobody;
  let last: SessionSnapshot = {
    state: 'joining',
    isStale: false,
    info: undefined,
    role: undefined,
    self: undefined,
    others: [],
    users: [],
    cursors: [],
  };
  /** What the application is shown of a user of the wire, so that the same one gives the same object. */
  const views = new WeakMap<WireUser, User>();
  const cursorViews = new WeakMap<Json, UserCursor>();
  let selfText = '';
  let self: User | undefined;

  function viewOf(user: WireUser): User {
    let view = views.get(user);
    if (!view) {
      const { index: _, ...shown } = user;
      view = { ...shown, data: user.data ?? {} } as User;
      views.set(user, view);
    }
    return view;
  }

  /** The person of this client, with what was said and is not confirmed yet. */
  function viewOfSelf(user: WireUser): User {
    const shown = own.show(user);
    const text = JSON.stringify(shown);
    if (!self || text !== selfText) self = viewOf({ ...shown });
    selfText = text;
    return self;
  }

  function cursorOf({ userId, cursor }: User): UserCursor {
    let view = cursorViews.get(cursor as Json);
    if (!view) {
      view = { userId, cursor: cursor as Json, at: presence.times.get(userId) ?? 0 };
      cursorViews.set(cursor as Json, view);
    }
    return view;
  }

  const store: Store = {
    state: 'joining',
    info: undefined,
    role: undefined,
    get presence() {
      return presence;
    },
    apply(frame) {
      const change = 'users' in frame ? applySnapshot(presence, frame) : applyDiff(presence, frame);
      presence = change.presence;
      return change;
    },
    move(cursors) {
      presence = applyCursors(presence, cursors);
    },
    read: (frame) => readCompact(presence, frame),
    view: viewOf,
    snapshot() {
      const { state, info } = store;
      const me = selfId();
      const users = [...presence.users.values()].map((user) => (user.userId === me ? viewOfSelf(user) : viewOf(user)));
      const others = users.filter(({ userId }) => userId !== me);
      const cursors = others.filter(({ cursor }) => cursor).map(cursorOf);
      const mine = users.find(({ userId }) => userId === me);
      const next: SessionSnapshot = {
        state,
        isStale: state === 'stale',
        info,
        role: mine?.role ?? store.role,
        self: mine,
        others: isSameList(others, last.others) ? last.others : others,
        users: isSameList(users, last.users) ? last.users : users,
        cursors: isSameList(cursors, last.cursors) ? last.cursors : cursors,
      };
      if (!isSameList(Object.values(next), Object.values(last))) last = next;
      return last;
    },
  };
  return store;
}
