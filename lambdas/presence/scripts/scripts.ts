import { begin, beginKnown, beginWhole, keepRarely, limitFrames, refuseTorn } from './beginnings.ts';
import { restore } from './restore.ts';
import { touch } from './touch.ts';

/** A frame that is about something else: its connection lives, and nobody sees a change. */
const notice = `${beginKnown}${keepRarely}
local userId, connectionId = argument(1), argument(2)
local member = userId .. ':' .. connectionId
if not redis.call('ZSCORE', connectionsKey, member) then return { 'unknown' } end
if not redis.call('ZSCORE', usersKey, userId) then return { 'unknown' } end
local user = readUser(userId)
if not user then return { 'unknown' } end
user.lastSeen = math.max(user.lastSeen, now)
redis.call('ZADD', usersKey, timeText(user.lastSeen), userId)
redis.call('ZADD', connectionsKey, nowText, member)
writeUser(user, true)
return reply({}, {}, {})
`;

/** The flusher of a window keeps its promise. The window may have been sent by somebody else meanwhile. */
const flush = `${beginKnown}${keepRarely}local window = windowState()
if window.flusher ~= argument(1) then return reply({}, {}, { {}, {} }) end
local cursors = takeAll(window)
return outcome('', { cursors, cursorReceivers() }, {}, true)
`;

/** Posts were throttled: the room's windows get longer. */
const stretch = `${beginKnown}
redis.call('HSET', windowKey, 'stretch', math.min(8, windowState().stretch * 2))
return reply({}, {}, {})
`;

/**
 * A connection joins the session. Answers the whole state, the joined user included.
 *
 * Somebody who took a place just now has come for certain, and so has somebody whose going still waits to be written
 * down. Of anybody else only the audit trail knows: Redis may have forgotten that they were there.
 */
const enter = `${begin}
reseats = true
if isTorn() then giveUp() end
local userId, connectionId, username, role, cursorRole, format, place, invisible =
  argument(1), argument(2), argument(3), argument(4), argument(5), argument(6), argument(7), argument(8) == '1'
local member = userId .. ':' .. connectionId
settle()
local known = redis.call('ZSCORE', usersKey, userId)
local already = redis.call('ZSCORE', connectionsKey, member)
local user = readUser(userId)
-- Who listed the session since their record was lost does not know them.
local shown = known and user
-- A stay begins without a cursor, also where Redis lost the end of the one before.
if not known and not user then redis.call('HDEL', cursorsKey, userId) end
local leftAt = tonumber(redis.call('HGET', epochKey, 'leftAt') or '0')
user = user or newUser(userId, username, role, math.max(now, leftAt + 1), invisible)
keepChosen(user)
if redis.call('HEXISTS', epochKey, 'epoch') == 0 then beginEpoch() end
-- A short name for the user, for as long as the epoch lasts.
if not user.index then user.index = redis.call('HINCRBY', epochKey, 'users', 1) end
if not already then
  -- The socket of this user that ended moments ago is replaced by this one, and nobody sees anything.
  for _, leaver in ipairs(redis.call('ZRANGE', leavingKey, 0, -1)) do
    if splitMember(leaver) == userId then
      redis.call('ZREM', leavingKey, leaver)
      break
    end
  end
end
redis.call('ZADD', connectionsKey, now, member)
-- Counted anew, and not one more: Redis may have evicted the one key and kept the other.
setConnections(user, countConnections(userId), shown)
if user.username ~= username then
  user.username = username
  if shown then changed(userId, 'username', username) end
end
if user.role ~= role then
  user.role = role
  if shown then changed(userId, 'role', role) end
end
user.lastSeen = now
redis.call('ZADD', usersKey, now, userId)
redis.call(format == 'compact' and 'SADD' or 'SREM', compactKey, connectionId)
redis.call('HSET', rolesKey, userId, role)
if cursorRole ~= '' then redis.call('HSET', epochKey, 'cursorRole', cursorRole) end
local coming = ''
if shown then
  showStatus(user)
else
  joins[1] = userId
  redis.call('ZADD', activeKey, user.lastActive, userId)
  publish(user.status, userId)
end
-- Who was seated by a rebuilding, from the table, just before this came for a place they took has not come yet. A coming
-- that is written down already is followed by a new one where a restored stay has ended since.
local leave = not known and place ~= 'taken' and unwrittenLeaves(userId)[userId] or nil
local isNew = not known and (place ~= 'written' or (leave and leave.restored))
if isNew or (user.restored and place == 'taken') then
  coming = remember({ userId = userId, username = username, role = role, at = user.joinedAt, came = true,
    certain = not user.restored and (place == 'taken' or leave ~= nil) })
  user.restored = nil
end
writeUser(user, true)
local answer = outcome(connectionId, { known and '0' or '1', {}, coming })
answer[11][2] = readRecords()
return answer
`;

/** A connection leaves on purpose: at once, without grace. */
const depart = `${beginWhole}
local userId, connectionId, cause = argument(1), argument(2), argument(3)
settle()
local removed = redis.call('ZREM', connectionsKey, userId .. ':' .. connectionId)
redis.call('HDEL', ratesKey, connectionId)
redis.call('SREM', compactKey, connectionId)
if removed == 1 then dropConnection(userId, cause) end
return outcome(connectionId, { removed, goings })
`;

/** The socket of a connection ended without a leave: its user has until the deadline to come back. */
const close = `${beginWhole}
local userId, connectionId, deadline, cause = argument(1), argument(2), argument(3), argument(4)
local lastHeard = redis.call('ZSCORE', connectionsKey, userId .. ':' .. connectionId)
redis.call('ZREM', connectionsKey, userId .. ':' .. connectionId)
redis.call('HDEL', ratesKey, connectionId)
redis.call('SREM', compactKey, connectionId)
if lastHeard then
  -- A socket whose end is noticed late has been silent for a while: its grace is part of that time, not added to it.
  local ends = math.min(tonumber(deadline), lastHeard + offlineAfter)
  redis.call('ZADD', leavingKey, ends, userId .. ':' .. connectionId .. ':' .. cause)
end
return reply({}, {}, { lastHeard and 1 or 0 })
`;

/** The whole state; for a connection that asks, also a sign of life. */
const list = `${beginKnown}
local userId, connectionId = argument(1), argument(2)
reseats = not isTorn()
if userId ~= '' then
  if not reseats then
    giveUp()
    return { 'unknown' }
  end
  local member = userId .. ':' .. connectionId
  local user = readUser(userId)
  if not user and wasHeard(userId) then giveUp() end
  if not user or not redis.call('ZSCORE', connectionsKey, member) then return { 'unknown' } end
  ${limitFrames}
  user.lastSeen = now
  redis.call('ZADD', usersKey, now, userId)
  redis.call('ZADD', connectionsKey, now, member)
  writeUser(user, true)
end
settle()
local answer = outcome('', {})
answer[11][1] = readRecords()
return answer
`;

/** A sweep's visit: ends what is due, sends what a dead flusher left, and says when to come again. */
const visit = `${beginWhole}
settle()
local window, cursors, receivers, atOnce = windowState(), {}, {}, false
if now > window.ends + windowMillis and (window.moving or window.changing or redis.call('EXISTS', pendingKey, changesKey) > 0) then
  cursors, atOnce, receivers = takeAll(window), true, cursorReceivers()
end
local answer = outcome('', {}, {}, atOnce)
local next = math.huge
local function consider(key, after)
  local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
  if first[2] then next = math.min(next, tonumber(first[2]) + after) end
end
consider(connectionsKey, offlineAfter)
consider(usersKey, offlineAfter)
consider(leavingKey, 0)
consider(activeKey, awayAfter)
answer[11] = { next == math.huge and '' or string.format('%d', next),
  redis.call('LRANGE', departedKey, 0, tonumber(argument(1)) - 1),
  redis.call('ZRANGE', usersKey, 0, -1, 'WITHSCORES'), cursors, receivers, isMoving(windowState()) and 1 or 0 }
return answer
`;

/** The sweep watches the windows of a session and asks whether to go on: 0 where nothing moves there any more. */
const keepWatch = `${beginKnown}${keepRarely}
local moves = isMoving(windowState())
redis.call('HSET', windowKey, 'watched', moves and now + watchMillis or 0)
return reply({}, {}, { moves and 1 or 0 })
`;

/** Takes a user, or everybody where none is named, out of the session. Answers the connections this ended. */
const evict = `${beginKnown}
local torn = isTorn()
reseats = true
local userId, cause = argument(1), argument(2)
local ended = {}
for _, key in ipairs({ connectionsKey, leavingKey }) do
  for _, member in ipairs(redis.call('ZRANGE', key, 0, -1)) do
    local owner, connectionId = splitMember(member)
    if userId == '' or owner == userId then
      redis.call('ZREM', key, member)
      redis.call('HDEL', ratesKey, connectionId)
      redis.call('SREM', compactKey, connectionId)
      if connectionId ~= '' and key == connectionsKey then ended[#ended + 1] = member end
    end
  end
end
local gone = userId == '' and redis.call('ZRANGE', usersKey, 0, -1) or { userId }
for _, each in ipairs(gone) do
  if redis.call('ZSCORE', usersKey, each) then removeUser(each, cause, readUser(each)) end
end
local answer = outcome('', { ended, goings })
if torn then giveUp() end
return answer
`;

/** Whether the session is known, and whole. */
const look = `${beginKnown}${refuseTorn}
return { 'ok' }
`;

/** Changes the role others see; the permission itself is PostgreSQL's. */
const relabel = `${beginKnown}
local userId, role = argument(1), argument(2)
local user = readUser(userId)
if user and user.role ~= role then
  user.role = role
  redis.call('HSET', rolesKey, userId, role)
  changed(userId, 'role', role)
  writeUser(user, false)
end
return outcome('', {})
`;

export const presenceScripts = {
  touch,
  notice,
  flush,
  stretch,
  enter,
  depart,
  close,
  list,
  visit,
  keepWatch,
  evict,
  relabel,
  look,
  restore: `${begin}${restore}`,
} as const;
export type PresenceScript = keyof typeof presenceScripts;

/** Redis has commands of its own with some of these names (`TOUCH`, …). */
export function commandName(script: string): string {
  return `presence_${script}`;
}
