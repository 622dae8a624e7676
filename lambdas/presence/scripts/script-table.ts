import { limits } from '../../../protocol/limits.ts';
import { hiddenMillis } from '../../../protocol/timings.ts';

/**
 * Names of everything that a presence script takes and replies. The Lua text declares its locals from this table and the
 * store passes and reads values by it, so no position is written down twice.
 */

/** Names of the keys (`presenceKeys`) that every presence script declares, in this order; all lie in one slot. In Lua they are called `usersKey` and so on. */
export const scriptKeyNames = [
  ...['users', 'connections', 'active', 'leaving', 'cursors', 'epoch', 'journal', 'window', 'pending', 'changes'],
  ...['rates', 'roles', 'tags', 'compact', 'orders'],
] as const;

/** `text` as it is; `number` is converted, an empty text is nil; `flag` is a boolean. */
type ArgumentKind = 'text' | 'number' | 'flag';
type ArgumentTable = Readonly<Record<string, ArgumentKind>>;

/** Arguments of every script, in this order. Times are Unix milliseconds, durations milliseconds. */
export const commonArguments = {
  recordPrefix: 'text',
  channel: 'text',
  sessionId: 'text',
  now: 'number',
  offlineAfter: 'number',
  awayAfter: 'number',
  /** The name of a new epoch, if this script begins one. */
  freshEpoch: 'text',
  /** Time to live of every key but the records. */
  keepMillis: 'number',
  windowMillis: 'number',
  batchMax: 'number',
  /** For how long signs of life and joins may not have reached Redis: no user is judged by what is that recent. */
  outageAllowance: 'number',
  publishesCursors: 'flag',
} as const satisfies ArgumentTable;

/** Which frame of a connection this is, see `shared/frame-order.lua`. */
const turn = { turnField: 'text', turn: 'number' } as const;
/** Which join or leave of a connection this is, see `shared/membership-order.lua`. */
const membership = { versionKey: 'text', version: 'text' } as const;
const seat = { userId: 'text', connectionId: 'text' } as const;

/** Arguments of each script, in this order, behind the common ones. */
export const scriptArguments = {
  touch: {
    ...seat,
    kind: 'text',
    isIdle: 'flag',
    isHidden: 'flag',
    cursor: 'text',
    status: 'text',
    activity: 'text',
    tag: 'text',
    ...turn,
    dataChange: 'text',
  },
  keepAlive: seat,
  address: { ...seat, named: 'text', claimedRole: 'text' },
  flush: { endsAt: 'text' },
  stretch: {},
  join: {
    ...seat,
    ...{
      username: 'text',
      role: 'text',
      cursorRole: 'text',
      isCompact: 'flag',
      arrivalState: 'text',
      isInvisible: 'flag',
    },
    ...membership,
    ...turn,
    saidText: 'text',
  },
  leave: { ...seat, cause: 'text', ...membership },
  close: { ...seat, deadline: 'number', cause: 'text' },
  list: seat,
  visit: { journalEntries: 'number' },
  keepWatch: {},
  removeFromSession: { userId: 'text', cause: 'text' },
  changeRole: { userId: 'text', role: 'text' },
  checkKnown: {},
  yieldSlot: { userId: 'text' },
  restore: { onlyIfLost: 'flag', silentSince: 'number', cursorRole: 'text', count: 'number' },
} as const satisfies Record<string, ArgumentTable>;

export type PresenceScript = keyof typeof scriptArguments;

/** Facts about each connection that `restore` takes behind its named arguments. */
export const restoredFields = [
  'userId',
  'connectionId',
  'username',
  'role',
  'joinedAt',
  'isInvisible',
  'data',
  'versionKey',
  'version',
] as const;

/** The reply of every script that succeeds, in this order. */
export const replyFields = [
  ...['code', 'epoch', 'seq', 'parts', 'joins', 'updates', 'leaves', 'causes', 'receivers', 'promised', 'extra'],
  'cursorRole',
] as const;

/** What the field `extra` of a reply holds, in this order. */
export const replyExtras = {
  touch: ['cursors', 'cursorReceivers', 'overdue', 'chosenAt', 'numberedAt', 'told'],
  keepAlive: [],
  address: ['isPermitted', 'addressed'],
  flush: ['cursors', 'cursorReceivers'],
  stretch: [],
  join: ['isFirst', 'records', 'arrival', 'told'],
  leave: ['removed', 'departures'],
  close: ['closed'],
  list: ['records'],
  visit: ['nextDeadline', 'journal', 'lastSeen', 'cursors', 'cursorReceivers', 'moves'],
  keepWatch: ['moves'],
  removeFromSession: ['ended', 'departures'],
  changeRole: [],
  checkKnown: [],
  yieldSlot: ['isPresent'],
  restore: ['restored'],
} as const satisfies Record<PresenceScript, readonly string[]>;

/** Milliseconds between two frames of a connection that are on time. */
const rateSpacing = 1000 / limits.messagesPerSecond;

/** Constants of the rate limit, which a script of its own uses, too. */
export const rateConstants = {
  rateSpacing,
  /** How far ahead of time a connection may run. */
  rateBurst: rateSpacing * (limits.messageBurst - 1),
};

/** Constants of the presence scripts. */
export const constants = {
  ...rateConstants,
  /** Frames renew the keys at most once in this many milliseconds. */
  renewInterval: 60_000,
  /** How long the number of a join or leave is kept: longer than any function may run. */
  membershipMillis: 60_000,
  /** So many frames of one connection may be on their way at the same time. */
  framesInFlight: 1000,
  /** When the next sign of life of a hidden connection is due (rule PR17). */
  hiddenMillis,
  /** What the data of a user may take, in bytes. */
  dataBytes: limits.dataBytes,
  /** What of a frame of 32 KB is left for the users of a diff, in bytes. */
  diffPartBytes: limits.diffPartBytes,
  restoredFields: restoredFields.length,
};
