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
   * What is to be sent now. It counts as unconfirmed until `confirm`.
   *
   * @param withCursor whether anybody is there to see it.
   */
  take(withCursor: boolean): OwnChange | undefined;
  confirm(change: OwnChange): void;
  /** Something the service has not applied is sent again, under what was said since. */
  repeat(change: OwnChange): void;
  /** A heartbeat carried the cursor. */
  carried(): void;
  /** Whether something waits to be sent. */
  readonly hasUnsent: boolean;
  /** The connection was lost: all that was not confirmed is sent again. */
  lost(): void;
  /** After a join: what it carried and the person's entry does not show is sent once more. */
  complete(said: OwnChange, user: WireUser | undefined): void;
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
  ...(earlier.data && later.data ? { data: { ...earlier.data, ...later.data } } : {}),
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
      if (change.status) chosen = change.status;
      else if (chosen === 'away' && (change.cursor || change.activity)) {
        chosen = undefined;
        unsent = combine(unsent, { status: 'online' });
      }
      if (change.cursor !== undefined) cursor = change.cursor;
      unsent = combine(unsent, change);
    },
    take(withCursor) {
      const { cursor: latest, ...rest } = unsent;
      const mayTell = latest === null || (withCursor && latest !== undefined);
      const change = mayTell ? { ...rest, cursor: latest } : rest;
      if (Object.keys(change).length === 0) return undefined;
      unsent = mayTell || latest === undefined ? {} : { cursor: latest };
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
      const { cursor: _, ...rest } = unsent;
      unsent = rest;
    },
    get hasUnsent() {
      return Object.keys(unsent).length > 0;
    },
    lost() {
      unsent = [...unconfirmed, unsent].reduce(combine, {});
      unconfirmed = [];
    },
    complete({ status, activity, data }, user) {
      // An invisibility chosen in another tab or before a reload holds here, too.
      if (user?.status === 'offline') chosen ??= 'offline';
      const missing: OwnChange = {};
      if (status && status !== user?.status) missing.status = status;
      if (activity !== undefined && (activity ?? undefined) !== user?.activity) missing.activity = activity;
      for (const [key, value] of Object.entries(data ?? {})) {
        if (!isSame(value ?? undefined, user?.data?.[key])) missing.data = { ...missing.data, [key]: value };
      }
      if (cursor && !isSame(cursor, user?.cursor)) missing.cursor = cursor;
      own.repeat(missing);
    },
    forJoin({ cursor: _, ...change }, known) {
      // Another tab of this person may have changed them since; what it said stays.
      const isAlone = known !== undefined && known.connections <= 1;
      const kept = isAlone
        ? { ...(known.activity ? { activity: known.activity } : {}), ...(known.data ? { data: known.data } : {}) }
        : {};
      return combine({ ...kept, ...(chosen && chosen !== 'online' ? { status: chosen } : {}) }, change);
    },
    show(user) {
      return [...unconfirmed, unsent].reduce<WireUser>((shown, change) => merge(shown, change), user);
    },
  };
  return own;
}
