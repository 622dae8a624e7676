import type { Profile } from './profile.ts';
import type { TextChange } from './script-book.ts';

/** A mistake somebody could make in a script, and within how many worlds it has to show. */
export interface Mistake extends TextChange {
  mistake: string;
  within: number;
  /** The kinds of worlds in which it can show; if absent, all of them. */
  isPossible?: (profile: Profile) => boolean;
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
    find: graceLine,
    replace: `${graceLine} ${endOthers}`,
    within: 40,
  },
  {
    mistake: 'a 410 ends all connections of its user',
    find: graceLine,
    replace: `${graceLine} if cause == 'gone' then ${endOthers} end`,
    within: 100,
  },
  { mistake: 'there is no grace', find: graceLine, replace: 'local ends = now', within: 40 },
  {
    mistake: 'a grace outlasts the silence before it',
    find: graceLine,
    replace: 'local ends = deadline',
    within: 100,
  },
  {
    mistake: 'nobody promises to flush a window',
    find: 'return { window.ends, watch }',
    replace: 'return {}',
    within: 40,
  },
  {
    mistake: 'a leave is announced twice',
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
    find: "changed(user.userId, 'status', status)",
    replace: '',
    within: 40,
  },
  {
    mistake: 'a diff takes one number too many',
    find: 'seq = seq + parts',
    replace: 'seq = seq + parts + 1',
    within: 40,
  },
  {
    mistake: 'connections that ended still receive',
    find: '  return receivers\nend\n',
    replace:
      "  for _, member in ipairs(redis.call('ZRANGE', leavingKey, 0, -1)) do receivers[#receivers + 1] = member end\n  return receivers\nend\n",
    within: 40,
  },
  {
    mistake: 'a frame is no sign of life of its connection',
    find: "redis.call('ZADD', connectionsKey, isHidden and timeText(now + math.max(0, hiddenMillis - offlineAfter)) or nowText, member)\n",
    replace: '',
    within: 40,
  },
  {
    mistake: 'the sweep forgets when to come again',
    find: "redis.call('ZADD', dueKey, nextDeadline, sessionId)",
    replace: "redis.call('ZREM', dueKey, sessionId)",
    within: 1000,
  },
  { mistake: 'merging loses leaves', find: 'if state.cause then', replace: 'if false then', within: 200 },
  {
    mistake: 'a second tab is a join',
    find: "local known = redis.call('ZSCORE', usersKey, userId)\nlocal already",
    replace: 'local known = false\nlocal already',
    within: 40,
  },
  {
    mistake: 'the grace goes on after the return',
    find: "      redis.call('ZREM', leavingKey, leaver)\n",
    replace: '',
    within: 40,
  },
  {
    mistake: 'the first tab that closes takes the user along',
    find: 'if remaining <= 0 then',
    replace: 'if true then',
    within: 40,
  },
  {
    mistake: 'a departure is not kept for the audit trail',
    find: "redis.call('RPUSH', journalKey, text)",
    replace: '',
    within: 40,
  },
  {
    mistake: 'a tab that closed hides the cursor of another one',
    find: ' or isOtherConnected(userId)',
    replace: '',
    within: 200,
  },
  {
    mistake: 'a bare heartbeat counts as activity',
    find: "(kind == 'heartbeat' and not isIdle and not isHidden)",
    replace: "kind == 'heartbeat'",
    within: 40,
  },
  {
    mistake: 'a snapshot does not know the cursors',
    find: "if redis.call('HSET', cursorsKey, userId, cursor) == 1 then renewsKeys = true end",
    replace: '',
    within: 40,
  },
  {
    mistake: 'an evicted part of a session is not noticed',
    find: 'return found[1] and (',
    replace: 'return false and (',
    within: 100,
    isPossible: ({ evictions }) => evictions > 0,
  },
  {
    mistake: 'evicted cursors do not come back',
    find: 'if cursor or not recorded[userId] then return cursor end',
    replace: 'if true then return cursor end',
    within: 1000,
  },
  {
    mistake: 'evicted cursors that were to go out are not missed',
    find: 'if window.moving and #cursors == 0 then startEpoch() end',
    replace: '',
    within: 1000,
  },
  {
    mistake: 'evicted changes that were to go out are not missed',
    find: 'if #stored < waiting then startEpoch() end',
    replace: '',
    within: 2000,
  },
  {
    mistake: 'who chose to be invisible shows up when their record is lost',
    find: "or (invisible and 'offline') or nil",
    replace: 'and nil',
    within: 200,
  },
  {
    mistake: 'the cursor of an invisible user is not told once they can be seen',
    find: "if wasHidden and user.status ~= 'offline' and not cursorMoved then",
    replace: 'if false then',
    within: 300,
  },
  {
    mistake: 'a restoration seats nobody',
    find: "if not leaving[member] then redis.call('ZADD', connectionsKey, 'GT', now, member) end",
    replace: '',
    within: 40,
  },
  {
    mistake: 'a restored session keeps the numbers of the one before',
    find: "redis.call('HSET', epochKey, 'epoch', freshEpoch, 'seq', 0, 'users', 0)",
    replace: "redis.call('HSET', epochKey, 'epoch', 'e', 'seq', 0, 'users', 0)",
    within: 200,
  },
];
