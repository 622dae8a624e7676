import { prelude } from './prelude.ts';
import { limitRate } from './rate.ts';
import { restore } from './restore.ts';
import { windows } from './windows.ts';

/** What the scripts begin with; those of their own follow, with their arguments named at the top of each. */
const begin = `${prelude}${windows}`;

/** The same for scripts that speak of what is there: a session that Redis forgot must be brought back before. */
const beginKnown = `${begin}
if redis.call('EXISTS', epochKey) == 0 then return { 'unknown' } end
`;

/** A connection's frames about one session are counted beside it, so that it costs no round trip of its own. */
const limitFrames = limitRate(
  "redis.call('HGET', ratesKey, connectionId)",
  "redis.call('HSET', ratesKey, connectionId, nextOnTime)",
);

/** A frame of a connection: sign of life, and what it changes. `unknown` where Redis does not know the connection. */
const touch = `${beginKnown}
local userId, connectionId, kind, idle = argument(1), argument(2), argument(3), argument(4) == '1'
local cursor, status, activity, tag = argument(5), argument(6), argument(7), argument(8)
local member = userId .. ':' .. connectionId
if not redis.call('ZSCORE', connectionsKey, member) then return { 'unknown' } end
if not redis.call('ZSCORE', usersKey, userId) then return { 'unknown' } end
local user = readUser(userId)
if not user then return { 'unknown' } end
${limitFrames}
local cursorMoved = cursor ~= '' and redis.call('HGET', cursorsKey, userId) ~= cursor
local acted = kind == 'cursor' or cursorMoved or activity ~= ''
-- Frames of one user may be handled by two environments and overtake each other; their stamps keep the order in which
-- they came here, or others would hold on to a cursor that was replaced.
local at = now >= user.lastActive and now or user.lastActive + 1
user.lastSeen = math.max(user.lastSeen, at)
if acted or status ~= '' or (kind == 'heartbeat' and not idle) then user.lastActive = at end
if status == 'online' then user.chosen = nil
elseif status ~= '' then user.chosen = status
elseif acted and user.chosen == 'away' then user.chosen = nil end

if activity ~= '' then
  local text = nil
  if activity ~= 'null' then text = cjson.decode(activity) end
  if text ~= user.activity then
    user.activity = text
    changed(userId, 'activity', text or cjson.null)
    publish('activity', userId, '{"activity":' .. activity .. '}')
  end
end
if cursorMoved then
  redis.call('HSET', cursorsKey, userId, cursor)
  publish('cursor', userId, '{"cursor":' .. cursor .. '}')
end
redis.call('ZADD', usersKey, user.lastSeen, userId)
redis.call('ZADD', connectionsKey, now, member)
showStatus(user)
writeUser(user, true)

local cursors, receivers, promised, atOnce = {}, {}, {}, false
local connections = redis.call('ZCARD', connectionsKey)
-- A socket of the user that ended moments ago is counted for them, but receives nothing.
if cursorMoved and user.status ~= 'offline' and (connections > user.connections or isHeardByOthers(userId)) then
  -- Whole where more than its numbers changed since the last one that went out, or one that was to go out whole waits.
  local waiting = redis.call('HGET', pendingKey, userId)
  local whole = redis.call('HGET', tagsKey, userId) ~= tag or (waiting and string.match(waiting, '^%d+ %d+ (%d)') == '1')
  redis.call('HSET', tagsKey, userId, tag)
  redis.call('HSET', pendingKey, userId, string.format('%d %d %d %s', at, user.index or 0, whole and 1 or 0, cursor))
  local window = windowState()
  if now >= window.ends or redis.call('HLEN', pendingKey) >= math.max(batchMax, connections) then
    cursors, atOnce, receivers = takeAll(window), true, cursorReceivers()
  else
    promised = promise(window)
  end
end
local overdue = #redis.call('ZRANGEBYSCORE', connectionsKey, '-inf', now - offlineAfter, 'LIMIT', 0, 1) +
  #redis.call('ZRANGEBYSCORE', leavingKey, '-inf', now, 'LIMIT', 0, 1)
return outcome('', { cursors, receivers, overdue }, promised, atOnce)
`;

/** The flusher of a window keeps its promise. The window may have been sent by somebody else meanwhile. */
const flush = `${beginKnown}
local window = windowState()
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
local function hasGone(userId)
  for _, text in ipairs(redis.call('LRANGE', departedKey, 0, -1)) do
    local movement = cjson.decode(text)
    if movement.userId == userId and not movement.came then return true end
  end
  return false
end

local userId, connectionId, username, role, cursorRole, format, place =
  argument(1), argument(2), argument(3), argument(4), argument(5), argument(6), argument(7)
local member = userId .. ':' .. connectionId
settle()
local known = redis.call('ZSCORE', usersKey, userId)
local already = redis.call('ZSCORE', connectionsKey, member)
local user = readUser(userId)
if not user then
  local leftAt = tonumber(redis.call('HGET', epochKey, 'leftAt') or '0')
  user = { userId = userId, username = username, role = role, joinedAt = math.max(now, leftAt + 1), lastSeen = now,
    lastActive = now, connections = 0, status = 'online' }
end
-- A short name for the user, for as long as the epoch lasts.
readEpoch()
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
setConnections(user, countConnections(userId), known)
if user.username ~= username then
  user.username = username
  if known then changed(userId, 'username', username) end
end
if user.role ~= role then
  user.role = role
  if known then changed(userId, 'role', role) end
end
user.lastSeen = now
redis.call('ZADD', usersKey, now, userId)
if format == 'compact' then redis.call('SADD', compactKey, connectionId) end
redis.call('HSET', rolesKey, userId, role)
if cursorRole ~= '' then redis.call('HSET', epochKey, 'cursorRole', cursorRole) end
local coming = ''
if known then
  showStatus(user)
else
  joins[1] = userId
  redis.call('ZADD', activeKey, user.lastActive, userId)
  publish('online', userId)
  if place ~= 'written' then
    coming = remember({ userId = userId, username = username, role = role, at = user.joinedAt, came = true,
      certain = place == 'taken' or hasGone(userId) })
  end
end
writeUser(user, true)
local answer = outcome(connectionId, { known and '0' or '1', {}, coming })
answer[11][2] = readRecords()
return answer
`;

/** A connection leaves on purpose: at once, without grace. */
const depart = `${beginKnown}
local userId, connectionId, cause = argument(1), argument(2), argument(3)
settle()
local removed = redis.call('ZREM', connectionsKey, userId .. ':' .. connectionId)
redis.call('HDEL', ratesKey, connectionId)
redis.call('SREM', compactKey, connectionId)
if removed == 1 then dropConnection(userId, cause) end
return outcome(connectionId, { removed, goings })
`;

/** The socket of a connection ended without a leave: its user has until the deadline to come back. */
const close = `${beginKnown}
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
if userId ~= '' then
  local member = userId .. ':' .. connectionId
  local user = readUser(userId)
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
const visit = `${beginKnown}
settle()
recount()
local window, cursors, receivers, atOnce = windowState(), {}, {}, false
if now > window.ends + windowMillis and redis.call('EXISTS', pendingKey, changesKey) > 0 then
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
-- While something moves here the sweep stays close, in case the next flusher dies.
if window.watched >= now and window.ends > now - 2000 then
  redis.call('HSET', windowKey, 'watched', now + watchMillis)
  next = math.min(next, now + 500)
elseif window.watched > 0 then
  redis.call('HSET', windowKey, 'watched', 0)
end
answer[11] = { next == math.huge and '' or string.format('%d', next),
  redis.call('LRANGE', departedKey, 0, tonumber(argument(1)) - 1),
  redis.call('ZRANGE', usersKey, 0, -1, 'WITHSCORES'), cursors, receivers }
return answer
`;

/** Takes a user, or everybody where none is named, out of the session. Answers the connections this ended. */
const evict = `${beginKnown}
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
return outcome('', { ended, goings })
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
  flush,
  stretch,
  enter,
  depart,
  close,
  list,
  visit,
  evict,
  relabel,
  restore: `${begin}${restore}`,
} as const;
export type PresenceScript = keyof typeof presenceScripts;
