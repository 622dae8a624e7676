import type { Status } from '../protocol/entities.ts';
import { isSame, type Json, merge, type WireChange, type WireUser } from './presence.ts';

/** A change of the user's own state in a session. Absent fields do not change; `null` removes a field. */
export interface OwnChange {
  status?: Status;
  activity?: string | null;
  data?: Json;
  cursor?: Json | null;
}

/** The user when a change was sent; a field that a diff has changed since is `NaN`, which is equal to no value. */
export type Base = Json & Partial<WireUser>;

/** The user's own state as set by this client, and which part of it the service has not confirmed. */
export interface Own {
  /** The user's cursor, sent or not. */
  readonly cursor: Json | null | undefined;
  /** The cursor, as long as it was not sent. */
  readonly untold: Json | null | undefined;
  /** Adds a change; the latest value of each field and of each key of `data` counts. */
  set(change: OwnChange): void;
  /**
   * The change to send now, if there is one. It is unconfirmed until `confirm`. Earlier unconfirmed changes lose the fields that it
   * sets.
   *
   * @param withCursor whether others are in the session, who can see the cursor.
   * @param user the user as the service knows them.
   */
  take(withCursor: boolean, user?: WireUser): OwnChange | undefined;
  /** The service has applied or refused a change. @returns the user when it was sent; fields that a diff changed since are `NaN`. */
  confirm(change: OwnChange): Base | undefined;
  /** Notes that a diff about this user was applied: the fields and keys that it contains need no answer to be shown. */
  announced(change: WireChange): void;
  /** Puts back a change that the service has not applied; later changes take precedence. */
  repeat(change: OwnChange): void;
  /** Notes that a heartbeat contained the cursor. */
  cursorSent(): void;
  /**
   * Compares the user in the snapshot of a join with the wanted state, and puts back the fields that are missing.
   *
   * @param said the fields that the join contained.
   * @param known the user before the join.
   */
  complete(said: OwnChange, user: WireUser, known?: WireUser): void;
  /**
   * Puts back what the service has lost of the user, but nothing that this client or another tab has changed since.
   *
   * @param known the user before the loss.
   * @param told the changes of the user after the loss.
   */
  restore(user: WireUser, known: WireUser, told: readonly WireChange[]): void;
  /**
   * The fields for a join: the change that was taken for it and the user's earlier state, so that no second frame is needed.
   *
   * @param known the user before the connection was lost.
   */
  forJoin(change: OwnChange, known?: WireUser): OwnChange;
  /** The user with all unsent and unconfirmed changes. */
  show(user: WireUser): WireUser;
}

/**
 * The part of a confirmed change that the known state of the user lacks. A field or a key of `data` that a diff has changed since, or
 * that differs from its value when the change was sent, already has that value or a later one, for example of another tab.
 *
 * @param before the user when the change was sent, see `Own.confirm`.
 * @param isAlone whether no diff arrives, because the service announces nothing to a user who is alone.
 */
export function unannounced(
  change: OwnChange,
  before: Base | undefined,
  user: WireUser | undefined,
  isAlone: boolean,
): OwnChange {
  return pick(change, (of, _, field) => isAlone || field === 'cursor' || isSame(of(before), of(user)));
}

/**
 * The fields of a change, and the keys of its data, that meet a condition.
 *
 * @param isMet is given a function that returns the value of the field or the key in a user.
 */
function pick(
  { data, ...fields }: OwnChange,
  isMet: (of: (user?: Json) => unknown, value: unknown, field?: string) => boolean,
): OwnChange {
  const filter = (given: object, test: (entry: [string, unknown]) => boolean): Json =>
    Object.fromEntries(Object.entries(given).filter(test));
  const picked: OwnChange = filter(fields, ([field, value]) => isMet((user) => user?.[field], value, field));
  const keys = filter(data ?? {}, ([key, value]) => isMet((user) => (user?.['data'] as Json)?.[key], value));
  if (Object.keys(keys).length) picked.data = keys;
  return picked;
}

const combine = (earlier: OwnChange, later: OwnChange): OwnChange => ({
  ...earlier,
  ...later,
  ...(earlier.data && { data: { ...earlier.data, ...later.data } }),
});

/** Removes from an earlier change what a later one sets. */
function giveWay(earlier: OwnChange, { data, ...fields }: Omit<WireChange, 'userId'> | OwnChange): void {
  for (const field in fields) delete earlier[field as keyof OwnChange];
  earlier.data &&= { ...earlier.data };
  for (const key in data) delete earlier.data?.[key];
}

export function createOwn(initial: OwnChange): Own {
  let unsent: OwnChange = initial;
  /** By change, in the order in which they were sent. */
  const unconfirmed = new Map<OwnChange, Base>();
  /** The status chosen in this client. `away` lasts until user activity, the others until another choice (rule PR5). */
  let chosen = initial.status;
  let cursor: Json | null | undefined;

  const own: Own = {
    get cursor() {
      return cursor;
    },
    get untold() {
      return unsent.cursor;
    },
    set(change) {
      const isDoing = chosen === 'away' && (change.cursor || change.activity);
      const said: OwnChange = isDoing ? { status: 'online', ...change } : change;
      chosen = said.status ?? chosen;
      if (said.cursor !== undefined) cursor = said.cursor;
      unsent = combine(unsent, said);
    },
    take(withCursor, user) {
      const { cursor: pointed, ...others } = unsent;
      const change: OwnChange = others;
      const isKept = pointed && !withCursor;
      if (!isKept && pointed !== undefined) Object.assign(change, { cursor: pointed });
      if (!Object.keys(change).length) return undefined;
      // The cursor or the activity is older than the status, and must not end it as user activity.
      if ((change.cursor || change.activity) && chosen === 'away') change.status = chosen;
      unsent = isKept ? { cursor: pointed } : {};
      // Answers may arrive in another order than their changes were sent, and an earlier one may fail.
      for (const earlier of unconfirmed.keys()) giveWay(earlier, change);
      unconfirmed.set(change, { ...user });
      return change;
    },
    confirm(change) {
      const before = unconfirmed.get(change);
      unconfirmed.delete(change);
      return before;
    },
    announced({ data, ...fields }) {
      for (const before of unconfirmed.values()) {
        before.data = { ...before.data };
        for (const field in fields) before[field] = Number.NaN;
        for (const key in data) before.data[key] = Number.NaN;
      }
    },
    repeat(change) {
      own.confirm(change);
      unsent = combine(change, unsent);
    },
    cursorSent() {
      delete unsent.cursor;
    },
    complete(said, user, known) {
      // If another tab made the user invisible, or this one before a reload, that choice applies here too.
      if (user.status === 'offline') chosen ??= 'offline';
      const wanted = { ...said };
      if (cursor) wanted.cursor = cursor;
      // The service had timed the user out although the socket looked open.
      if (user.connections === 1 && !user.activity && wanted.activity === undefined && known?.activity) {
        wanted.activity = known.activity;
      }
      if (user.connections === 1) wanted.data = { ...known?.data, ...user.data, ...said.data };
      for (const later of unconfirmed.keys()) giveWay(wanted, later);
      own.repeat(pick(wanted, (of, value) => value !== undefined && !isSame(value ?? undefined, of(user))));
    },
    restore(user, { activity, data }, told) {
      const kept: OwnChange = { activity, data };
      for (const change of told) giveWay(kept, change);
      // What the service has may be newer, from a tab whose diff has not arrived.
      if (user.connections > 1) giveWay(kept, user);
      own.complete(own.forJoin(kept), user);
    },
    forJoin({ cursor: _, ...change }, known) {
      const kept: OwnChange = {};
      if (known?.connections === 1) {
        // With other tabs these fields are left out, because another tab may have changed them since.
        if (known.activity) kept.activity = known.activity;
        kept.data = known.data;
      }
      if (chosen && chosen !== 'online') kept.status = chosen;
      for (const later of unconfirmed.keys()) giveWay(kept, later);
      return combine(kept, change);
    },
    show: (user) => [...unconfirmed.keys(), unsent].reduce<WireUser>((shown, change) => merge(shown, change), user),
  };
  return own;
}
