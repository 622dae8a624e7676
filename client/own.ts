import type { Status } from '../protocol/entities.ts';
import { isSame, type Json, merge, type WireUser } from './presence.ts';

/** What a person tells of themselves in a session. Absent: nothing was said; `null` takes away. */
export interface OwnChange {
  status?: Status;
  activity?: string | null;
  data?: Json;
  cursor?: Json | null;
}

/** What this client says of its person, and what of it the service has not confirmed. */
export interface Own {
  /** Where the person points, sent or not. */
  readonly cursor: Json | null | undefined;
  /** Adds a change; of each field and each key of `data` the latest counts. */
  set(change: OwnChange): void;
  /**
   * What is to be sent now, if anything. It counts as unconfirmed until `confirm`.
   *
   * @param withCursor whether anybody is there to see it.
   */
  take(withCursor: boolean): OwnChange | undefined;
  confirm(change: OwnChange): void;
  /** Something the service has not applied is sent again, under what was said since. */
  repeat(change: OwnChange): void;
  /** A heartbeat carried the cursor. */
  carried(): void;
  /** The connection was lost: all that was not confirmed is sent again. */
  lost(): void;
  /**
   * After a join: what it carried, and what the person had before and lost, is sent if their entry does not show it.
   *
   * @param known the person as they were before the join.
   */
  complete(said: OwnChange, user: WireUser, known: WireUser | undefined): void;
  /**
   * What to say with a join beside the change that was taken for it, so that it needs no second frame.
   *
   * @param known the person as they were before the connection was lost.
   */
  forJoin(change: OwnChange, known: WireUser | undefined): OwnChange;
  /** The person as they will be once the service has heard everything. */
  show(user: WireUser): WireUser;
}

const combine = (earlier: OwnChange, later: OwnChange): OwnChange => ({
  ...earlier,
  ...later,
  ...(earlier.data && { data: { ...earlier.data, ...later.data } }),
});

export function createOwn(initial: OwnChange): Own {
  let unsent: OwnChange = initial;
  let unconfirmed: OwnChange[] = [];
  /** A status chosen here stays until another one is chosen, or `away` until the person does something (rule PR5). */
  let chosen = initial.status;
  let cursor: Json | null | undefined;

  const own: Own = {
    get cursor() {
      return cursor;
    },
    set(change) {
      const isDoing = chosen === 'away' && (change.cursor || change.activity);
      const said: OwnChange = isDoing ? { status: 'online', ...change } : change;
      chosen = said.status ?? chosen;
      if (said.cursor !== undefined) cursor = said.cursor;
      unsent = combine(unsent, said);
    },
    take(withCursor) {
      const { cursor: pointed, ...change } = unsent;
      const isKept = pointed && !withCursor;
      if (!isKept && pointed !== undefined) Object.assign(change, { cursor: pointed });
      if (!Object.keys(change).length) return undefined;
      unsent = isKept ? { cursor: pointed } : {};
      unconfirmed.push(change);
      return change;
    },
    confirm(change) {
      unconfirmed = unconfirmed.filter((each) => each !== change);
    },
    repeat(change) {
      own.confirm(change);
      unsent = combine(change, unsent);
    },
    carried() {
      delete unsent.cursor;
    },
    lost() {
      unsent = [...unconfirmed, unsent].reduce(combine);
      unconfirmed = [];
    },
    complete(said, user, known) {
      // An invisibility chosen in another tab or before a reload holds here, too.
      if (user.status === 'offline') chosen ??= 'offline';
      const wanted = { ...said };
      if (cursor) wanted.cursor = cursor;
      // The socket was believed to live, but the service had given the person up.
      if (user.connections === 1 && !user.activity && wanted.activity === undefined && known?.activity) {
        wanted.activity = known.activity;
      }
      if (user.connections === 1) wanted.data = { ...known?.data, ...user.data, ...said.data };
      const shown = merge(user, wanted);
      const missing = Object.entries(wanted).filter(
        ([field]) => !isSame(shown[field as keyof OwnChange], user[field as keyof OwnChange]),
      );
      own.repeat(Object.fromEntries(missing));
    },
    forJoin({ cursor: _, ...change }, known) {
      const kept: OwnChange = {};
      if (known?.connections === 1) {
        // Another tab of this person may have changed them since; what it said stays.
        if (known.activity) kept.activity = known.activity;
        kept.data = known.data;
      }
      if (chosen && chosen !== 'online') kept.status = chosen;
      return combine(kept, change);
    },
    show: (user) => [...unconfirmed, unsent].reduce<WireUser>((shown, change) => merge(shown, change), user),
  };
  return own;
}
