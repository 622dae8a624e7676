import type { TextChange } from './script-book.ts';

/** A mistake that somebody could make in a script, and the number of worlds within which the simulation must notice it. */
export interface Mistake extends TextChange {
  mistake: string;
  /** The rule that must be reported as broken. A world in which only other rules break does not count. */
  breaks: string;
  within: number;
  /** Only worlds of these kinds count and run: those whose kind contains this word. */
  kind?: string;
}

const graceLine = 'local ends = math.min(deadline, lastSeen + offlineAfter)';
const endOthers = `for _, other in ipairs(redis.call('ZRANGE', connectionsKey, 0, -1)) do
    if splitMember(other) == userId then
      redis.call('ZREM', connectionsKey, other)
      redis.call('ZADD', leavingKey, ends, other .. ':' .. cause)
    end
  end`;

export const mistakes: readonly Mistake[] = [
  {
    mistake: 'the end of one connection ends all connections of its user',
    breaks: 'PR1',
    find: graceLine,
    replace: `${graceLine} ${endOthers}`,
    within: 40,
  },
  {
    mistake: 'a 410 ends all connections of its user',
    breaks: 'PR1',
    find: graceLine,
    replace: `${graceLine} if cause == 'gone' then ${endOthers} end`,
    within: 100,
  },
  { mistake: 'there is no grace', breaks: 'PR10', find: graceLine, replace: 'local ends = now', within: 40 },
  {
    mistake: 'a grace ends later than the timeout',
    breaks: 'PR9',
    find: graceLine,
    replace: 'local ends = deadline',
    within: 100,
  },
  {
    mistake: 'a window has no flusher',
    breaks: 'DE3',
    find: 'return { window.ends, watch }',
    replace: 'return {}',
    within: 200,
  },
  {
    mistake: 'a leave is announced twice',
    breaks: 'PR10',
    find: 'leaves[#leaves + 1] = userId\n  leavers[#leavers + 1] = cause\n  departures',
    replace: `leaves[#leaves + 1] = userId
  leavers[#leavers + 1] = cause
  leaves[#leaves + 1] = userId
  leavers[#leavers + 1] = cause
  departures`,
    within: 40,
  },
  {
    mistake: 'a new status is not announced',
    breaks: 'DE3',
    find: "changed(user.userId, 'status', status)",
    replace: '',
    within: 40,
  },
  {
    mistake: 'a diff skips a number',
    breaks: 'DE4',
    find: 'seq = seq + parts',
    replace: 'seq = seq + parts + 1',
    within: 40,
  },
  {
    mistake: 'connections that have ended still receive frames',
    breaks: 'DE1',
    find: '  return receivers\nend\n',
    replace:
      "  for _, member in ipairs(redis.call('ZRANGE', leavingKey, 0, -1)) do receivers[#receivers + 1] = member end\n  return receivers\nend\n",
    within: 40,
  },
  {
    mistake: 'a frame is no sign of life of its connection',
    breaks: 'PR1',
    find: "redis.call('ZADD', connectionsKey, isHidden and timeText(now + math.max(0, hiddenMillis - offlineAfter)) or nowText, member)\n",
    replace: '',
    within: 40,
  },
  {
    mistake: 'the sweep does not store the next deadline of a session',
    breaks: 'SE3',
    find: "redis.call('ZADD', dueKey, nextDeadline, sessionId)",
    replace: "redis.call('ZREM', dueKey, sessionId)",
    within: 1000,
  },
  {
    mistake: 'leaves are lost when changes are merged',
    breaks: 'PR12',
    find: 'if state.cause then',
    replace: 'if false then',
    within: 200,
  },
  {
    mistake: 'a second tab is a join',
    breaks: 'PR2',
    find: "local known = redis.call('ZSCORE', usersKey, userId)\nlocal already",
    replace: 'local known = false\nlocal already',
    within: 40,
  },
  {
    mistake: 'the grace continues after the return',
    breaks: 'PR6',
    find: "      redis.call('ZREM', leavingKey, leaver)\n",
    replace: '',
    within: 40,
  },
  {
    mistake: 'the user leaves with the first tab that closes',
    breaks: 'PR8',
    find: 'if remaining <= 0 then',
    replace: 'if true then',
    within: 40,
  },
  {
    mistake: 'a leave is not added to the movement journal',
    breaks: 'PR9',
    find: "redis.call('RPUSH', journalKey, text)",
    replace: '',
    within: 40,
  },
  {
    mistake: 'a closed tab prevents that the cursor of another tab is sent',
    breaks: 'DE3',
    find: ' or isOtherConnected(userId)',
    replace: '',
    within: 200,
  },
  {
    mistake: 'an idle heartbeat counts as user activity',
    breaks: 'PR6',
    find: "(kind == 'heartbeat' and not isIdle and not isHidden)",
    replace: "kind == 'heartbeat'",
    within: 40,
  },
  {
    mistake: 'a snapshot has no cursors',
    breaks: 'PR6',
    find: "if redis.call('HSET', cursorsKey, userId, cursor) == 1 then renewsKeys = true end",
    replace: '',
    within: 40,
  },
  {
    mistake: 'the eviction of a part of a session is not noticed',
    breaks: 'PR1',
    find: 'return found[1] and (',
    replace: 'return false and (',
    within: 60,
    kind: 'evictions',
  },
  {
    mistake: 'evicted cursors are not restored from the records',
    breaks: 'PR6',
    find: 'if cursor or not recordedCursors[userId] then return cursor end',
    replace: 'if true then return cursor end',
    within: 40,
    kind: 'evictions',
  },
  {
    mistake: 'the eviction of waiting cursors is not noticed',
    breaks: 'DE3',
    find: 'if window.moving and #cursors == 0 then startEpoch() end',
    replace: '',
    within: 182,
    kind: 'evictions',
  },
  {
    mistake: 'the eviction of waiting changes is not noticed',
    breaks: 'PR1',
    find: 'if #stored < waiting then startEpoch() end',
    replace: '',
    within: 600,
    kind: 'evictions',
  },
  {
    mistake: 'an invisible user becomes visible when their record is lost',
    breaks: 'PR5',
    find: "or (invisible and 'offline') or nil",
    replace: 'and nil',
    within: 200,
  },
  {
    mistake: 'a restoration makes invisible users visible',
    breaks: 'PR5',
    find: "ARGV[first + 5] == '1'",
    replace: 'false',
    within: 40,
    kind: 'emptied',
  },
  {
    mistake: 'the cursor of an invisible user is not sent when they become visible',
    breaks: 'DE3',
    find: "if (wasHidden or isUnseen) and user.status ~= 'offline' and not cursorMoved then",
    replace: "if isUnseen and user.status ~= 'offline' and not cursorMoved then",
    within: 300,
  },
  {
    mistake: 'a restoration seats no connection',
    breaks: 'FA2',
    find: "if not leaving[member] then redis.call('ZADD', connectionsKey, 'GT', signOf({ leaseUntil = leaseUntil }), member) end",
    replace: '',
    within: 40,
  },
  {
    mistake: 'a restored session keeps its earlier epoch',
    breaks: 'DE4',
    find: "redis.call('HSET', epochKey, 'epoch', freshEpoch, 'seq', 0, 'users', 0)",
    replace: "redis.call('HSET', epochKey, 'epoch', 'e', 'seq', 0, 'users', 0)",
    within: 200,
  },
];
