import { limits } from '../../../protocol/limits.ts';
import { hiddenMillis } from '../../../protocol/timings.ts';

/**
 * The names of all arguments and reply fields of the presence scripts. The Lua text declares its local variables from this
 * table, and the store passes arguments and reads replies by it. So each position is defined only once.
 */

/**
 * The keys (`presenceKeys`) that every presence script declares, in this order; all are in one slot. In Lua they are
 * `usersKey` and so on.
 */
export const scriptKeyNames = [
  ...['users', 'connections', 'active', 'leaving', 'cursors', 'epoch', 'journal', 'window', 'pending', 'changes'],
  ...['rates', 'roles', 'tags', 'compact', 'orders'],
] as const;

/** `text` is passed as it is; `number` is converted, and an empty text is nil; `flag` is a boolean. */
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
  /** The name of a new epoch, if this script starts one. */
  freshEpoch: 'text',
  /** Time to live of every key but the records. */
  keepMillis: 'number',
  windowMillis: 'number',
  batchMax: 'number',
  /** The outage allowance. No user times out or becomes away because of signs of life that are missing for this time. */
  outageAllowance: 'number',
  publishesCursors: 'flag',
  /** Posts that a session may cause in a second (rule CO4). */
  postsPerSecond: 'number',
} as const satisfies ArgumentTable;

/** Which frame of a connection this is, see `shared/frame-order.lua`. */
const turn = { turnField: 'text', turn: 'number' } as const;
/** Which join or leave of a connection this is, see `shared/membership-order.lua`. */
const membership = { versionKey: 'text', version: 'text' } as const;
const seat = { userId: 'text', connectionId: 'text' } as const;

/** The own arguments of each script, in this order, after the common ones. */
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
  renewAgent: {
    ...{ userId: 'text', leaseUntil: 'number', username: 'text', onBehalfOf: 'text' },
    ...{ status: 'text', activity: 'text', cursor: 'text', dataChange: 'text' },
  },
  publish: { agentId: 'text', named: 'text', markKey: 'text', mark: 'text', attempt: 'text', markMillis: 'number' },
  flush: { endsAt: 'text' },
  /** `movers` are the ids of the users whose cursors were in the failed posts, as a JSON array. */
  noteFailedPosts: { isThrottled: 'flag', movers: 'text' },
  join: {
    ...seat,
    ...{
      username: 'text',
      role: 'text',
      cursorRole: 'text',
      isCompact: 'flag',
      arrivalState: 'text',
      requestedAt: 'text',
      isInvisible: 'flag',
    },
    ...membership,
    ...turn,
    ownStateText: 'text',
  },
  leave: { ...seat, cause: 'text', ...membership },
  close: { ...seat, deadline: 'number', cause: 'text' },
  list: seat,
  visit: { journalEntries: 'number', restraint: 'number' },
  keepWatch: { restraint: 'number' },
  removeFromSession: { userId: 'text', cause: 'text', keyId: 'text', ...membership },
  changeRole: { userId: 'text', role: 'text' },
  takeOver: { ...seat, guestId: 'text', username: 'text', role: 'text', deadline: 'number' },
  checkKnown: {},
  yieldSlot: { userId: 'text' },
  restore: { onlyIfLost: 'flag', silentSince: 'number', cursorRole: 'text', count: 'number' },
} as const satisfies Record<string, ArgumentTable>;

export type PresenceScript = keyof typeof scriptArguments;

/** The values of each connection that `restore` takes after its named arguments. */
export const restoredFields = [
  'userId',
  'connectionId',
  'username',
  'role',
  'joinedAt',
  'isInvisible',
  'data',
  'guestId',
  'versionKey',
  'version',
  'leaseUntil',
  'onBehalfOf',
] as const;

/** The reply of every script that succeeds, in this order. */
export const replyFields = [
  ...['code', 'epoch', 'seq', 'parts', 'joins', 'updates', 'leaves', 'causes', 'receivers', 'promised', 'extra'],
  'cursorRole',
] as const;

/** What the scripts of the sweep reply about the cost of the session. */
const spending = ['metered', 'paced', 'cursorMillis'] as const;

/** The content of the field `extra` of a reply, in this order. */
export const replyExtras = {
  touch: ['cursors', 'cursorReceivers', 'overdue', 'chosenAt', 'numberedAt', 'changedData'],
  keepAlive: [],
  address: ['isPermitted', 'addressed'],
  renewAgent: ['cursors', 'cursorReceivers', 'agentName', 'actsFor', 'actsSince', 'renewedAt', 'changedData'],
  publish: ['verdict', 'addressed'],
  flush: ['cursors', 'cursorReceivers'],
  noteFailedPosts: [],
  join: ['isFirst', 'records', 'arrival', 'changedData'],
  leave: ['removed', 'departures'],
  close: ['closed'],
  list: ['records'],
  visit: [
    'nextDeadline',
    'journal',
    'lastSeen',
    'cursors',
    'cursorReceivers',
    'moves',
    ...spending,
    'online',
    'agents',
    'roles',
  ],
  keepWatch: ['moves', ...spending],
  removeFromSession: ['ended', 'departures'],
  changeRole: [],
  takeOver: ['ended', 'waits'],
  checkKnown: [],
  yieldSlot: ['isPresent'],
  restore: ['restored'],
} as const satisfies Record<PresenceScript, readonly string[]>;

/** Constants of a rate limit, in milliseconds. The script `rate-limit` uses them, too. */
export function rateConstantsOf({ perSecond, burst }: { perSecond: number; burst: number }) {
  const rateSpacing = 1000 / perSecond;
  /** The burst tolerance (generic cell rate algorithm). */
  return { rateSpacing, rateBurst: rateSpacing * (burst - 1) };
}

/** Constants of the presence scripts. */
export const constants = {
  ...rateConstantsOf({ perSecond: limits.messagesPerSecond, burst: limits.messageBurst }),
  /** Frames renew the keys at most once in this many milliseconds. */
  renewInterval: 60_000,
  /** How long the number of a join or leave is kept: longer than any function can run. */
  membershipMillis: 60_000,
  /** How many frames of one connection can be on their way at the same time. */
  framesInFlight: 1000,
  /** When the next sign of life of a hidden connection is due (rule PR17). */
  hiddenMillis,
  /** The maximum size of the data of a user, in bytes. */
  dataBytes: limits.dataBytes,
  /** The bytes of a frame of 32 KB that are left for the users of a diff. */
  diffPartBytes: limits.diffPartBytes,
  restoredFields: restoredFields.length,
  /** Bytes of a frame of cursors, and of one cursor in it besides its JSON: the user, the time and the names of the fields. */
  cursorFrameBytes: limits.messageBytes - 256,
  cursorOverhead: 60,
};
