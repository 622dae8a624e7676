import type { TextChange } from '../script-book.ts';
import type { ClientChange } from './client-book.ts';

/** A mistake that somebody could make in the client, the violation that it must cause, and the kind of world that shows it. */
export interface ClientMistake {
  mistake: string;
  /** The beginning of a violation that must be among those of the world. */
  breaks: string;
  kind: string;
  /** Within how many worlds of this kind it must show. Default: 25. */
  within?: number;
  changes: readonly ClientChange[];
}

export const clientMistakes: readonly ClientMistake[] = [
  {
    mistake: 'a sleep is not noticed',
    breaks: '[row 2]',
    kind: 'sleep',
    changes: [
      { file: 'connection.ts', find: "event === 'visible' || event === 'wake' ||", replace: "event === 'visible' ||" },
      { file: 'heartbeats.ts', find: 'if (now() - at > sleepMillis && !isHidden) connection.check();', replace: '' },
    ],
  },
  {
    mistake: 'a hidden page connects',
    breaks: '[row 3]',
    kind: 'hidden tabs',
    changes: [{ file: 'reconnection.ts', find: 'page.hidden() || page.offline()', replace: 'page.offline()' }],
  },
  {
    mistake: 'a closed client listens to page events and connects again',
    breaks: '[row 4]',
    kind: 'pages',
    changes: [
      {
        file: 'connection.ts',
        find: '      unlisten?.();\n      cancelReplacement?.();',
        replace: '      cancelReplacement?.();',
      },
      { file: 'connection.ts', find: "if (mayReconnect && state === 'closed') run(true);", replace: 'run(true);' },
    ],
  },
  {
    mistake: 'a token is used until it is refused',
    breaks: '[row 5]',
    kind: 'tokens',
    changes: [
      { file: 'credentials.ts', find: 'isFresh = !((life() ?? 0) > leastLifeMillis);', replace: 'isFresh = !token;' },
    ],
  },
  {
    mistake: 'a refused sign-in is tried again',
    breaks: '[row 7]',
    kind: 'tokens',
    changes: [{ file: 'errors.ts', find: 'return retryable !== false && !', replace: 'return true || !' }],
  },
  {
    mistake: 'a refused token is used again',
    breaks: '[row 7]',
    kind: 'tokens',
    changes: [
      { file: 'credentials.ts', find: '      token = undefined;\n      if (isGuest)', replace: '      if (isGuest)' },
    ],
  },
  {
    mistake: 'the client leaves its sessions on the socket that it replaces',
    breaks: '[false leave]',
    kind: 'replacement',
    changes: [
      {
        file: 'session.ts',
        find: '    target.invite = undefined;\n',
        replace:
          "    target.invite = undefined;\n    if (link && link !== to) for (const on of [link, to]) on.send({ type: 'session_leave', sessionId: id() });\n",
      },
    ],
  },
  {
    mistake: 'the event `offline` is ignored',
    breaks: '[row 11]',
    kind: 'told cuts',
    changes: [
      {
        file: 'connection.ts',
        find: "if (event === 'offline' || event === 'leaving')",
        replace: "if (event === 'leaving')",
      },
    ],
  },
  {
    mistake: 'a request has no time limit',
    breaks: '[row 12]',
    kind: 'silent cuts',
    changes: [
      {
        file: 'requests.ts',
        find: 'const cancel = after(millis, () => {',
        replace: 'const cancel = after(millis * 100, () => {',
      },
    ],
  },
  {
    mistake: 'activities have no id',
    breaks: '[row 13]',
    kind: 'silent cuts',
    changes: [{ file: 'outbox.ts', find: 'activityType, details, activityId };', replace: 'activityType, details };' }],
  },
  {
    mistake: 'unconfirmed changes are lost with the socket',
    breaks: '[row 15]',
    kind: 'silent cuts',
    changes: [
      {
        file: 'publisher.ts',
        find: '        own.repeat(change);\n',
        replace: '        if (link.isOpen) own.repeat(change);\n',
      },
    ],
  },
  {
    mistake: 'a diff after a loss of data counts before it is applied, and what the client knew before is said again',
    breaks: '[row 15]',
    kind: 'emptied Redis',
    within: 200,
    changes: [
      {
        file: 'session.ts',
        find: 'const told = change.updates.filter(',
        replace: 'const told = ((frame as Partial<Diff>).updates ?? []).filter(',
      },
      { file: 'own.ts', find: '      for (const change of told) giveWay(kept, change);\n', replace: '' },
    ],
  },
  {
    mistake: 'a lost connection empties the list',
    breaks: '[row 16]',
    kind: 'told cuts',
    changes: [
      {
        file: 'session.ts',
        find: "shown.state = 'stale';",
        replace: "shown.state = 'stale';\n      (presence.users as Map<string, unknown>).clear();",
      },
    ],
  },
  {
    mistake: 'heartbeats have no epoch and no seq, and a gap causes no sync',
    breaks: '[row 17]',
    kind: 'frames',
    changes: [
      { file: 'publisher.ts', find: 'cursor, epoch, seq, ...marks', replace: 'cursor, ...marks' },
      { file: 'session.ts', find: "timers.wait('sync', overtakenMillis, sync)", replace: 'undefined' },
    ],
  },
  {
    mistake: 'sessions are joined seconds after the socket is open',
    breaks: '[row 16]',
    kind: 'broken sockets',
    changes: [
      {
        file: 'client.ts',
        find: '      await Promise.all([...sessions]',
        replace:
          '      await new Promise<void>((done) => environment.after(4000, done));\n      await Promise.all([...sessions]',
      },
    ],
  },
  {
    mistake: 'frames that arrive before the answer to `session_open` are dropped',
    breaks: '[row 18]',
    kind: 'hidden tabs',
    within: 200,
    changes: [{ file: 'session.ts', find: '!shown.info) early.push(frame);', replace: '!shown.info) return;' }],
  },
  {
    mistake: 'the heartbeats of a hidden page are not marked `hidden`',
    breaks: '[false leave]',
    kind: 'hidden tabs',
    changes: [{ file: 'publisher.ts', find: 'hidden: hidden || undefined', replace: 'hidden: undefined' }],
  },
  {
    mistake: 'a tab that is closed does not close its socket cleanly',
    breaks: '[row 20]',
    kind: 'pages',
    changes: [
      {
        file: 'connection.ts',
        find: "event === 'leaving' ? 1000 : lostCode",
        replace: 'lostCode',
      },
    ],
  },
  {
    mistake: 'the request whether a token is refused has no time limit',
    breaks: '[row 17]',
    kind: 'silent cuts',
    changes: [{ file: 'credentials.ts', find: 'await inTime(environment, askMillis, asked)', replace: 'await asked' }],
  },
];

/** The same in a script of the service. */
export type ServiceMistake = Omit<ClientMistake, 'changes'> & { change: TextChange };

/** Mistakes in the scripts of the service that the simulation with the real client must notice. */
export const serviceMistakes: readonly ServiceMistake[] = [
  {
    mistake: 'a clean close does not shorten the grace of a socket that a post found gone',
    breaks: '[row 20]',
    kind: 'pages',
    within: 50,
    change: {
      find: "if deadline < tonumber(redis.call('ZSCORE', leavingKey, gone) or '0') then",
      replace: 'if false then',
    },
  },
  {
    mistake: 'a cursor whose posts failed is not sent again',
    breaks: '[row 17]',
    kind: 'refused posts',
    change: {
      find: "local isUnseen = not cursorMoved and redis.call('HDEL', windowKey, 'unseen:' .. userId) == 1",
      replace: 'local isUnseen = false',
    },
  },
  {
    mistake: 'an overtaken frame ends the longer timeout of a hidden connection',
    breaks: '[false leave]',
    kind: 'hidden tabs',
    change: {
      find: "if turn < tonumber(redis.call('HGET', ordersKey, field) or '0') then return false end",
      replace: '',
    },
  },
  {
    mistake: 'there is no grace',
    breaks: '[false leave]',
    kind: 'broken sockets',
    change: { find: 'local ends = math.min(deadline, lastSeen + offlineAfter)', replace: 'local ends = now' },
  },
];
