import { prelude } from './prelude.ts';

/**
 * The presence scripts. Arguments 1-8 are read by the prelude; those from 9 on are named at the top of each script.
 * `unknown` is answered where a frame comes from a connection Redis does not know (timed out, or Redis was emptied).
 */

/** A frame of a connection: sign of life, and what it changes. Sends nothing unless something changed. */
const touch = `${prelude}
local userId, connectionId, kind, idle = ARGV[9], ARGV[10], ARGV[11], ARGV[12] == '1'
local cursor, status, activity = ARGV[13], ARGV[14], ARGV[15]
local member = userId .. ':' .. connectionId
if not redis.call('ZSCORE', connectionsKey, member) then return { 'unknown' } end
if not redis.call('ZSCORE', usersKey, userId) then return { 'unknown' } end
local user = readUser(userId)
if not user then return { 'unknown' } end

local cursorMoved = cursor ~= '' and redis.call('HGET', cursorsKey, userId) ~= cursor
local acted = kind == 'cursor' or cursorMoved or activity ~= ''
user.lastSeen = now
if acted or status ~= '' or (kind == 'heartbeat' and not idle) then user.lastActive = now end
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
redis.call('ZADD', usersKey, now, userId)
redis.call('ZADD', connectionsKey, now, member)
showStatus(user)
writeUser(user, true)

local audience = {}
if cursorMoved and user.status ~= 'offline' then audience = receiversExcept(connectionId) end
local overdue = #redis.call('ZRANGEBYSCORE', connectionsKey, '-inf', now - offlineAfter, 'LIMIT', 0, 1) +
  #redis.call('ZRANGEBYSCORE', leavingKey, '-inf', now, 'LIMIT', 0, 1)
return outcome('', { audience, overdue })
`;

/** A connection joins the session. Answers the whole state, the joined user included. */
const enter = `${prelude}
local userId, connectionId, username, role = ARGV[9], ARGV[10], ARGV[11], ARGV[12]
local member = userId .. ':' .. connectionId
settle()
local known = redis.call('ZSCORE', usersKey, userId)
local already = redis.call('ZSCORE', connectionsKey, member)
local user = readUser(userId)
if not user then
  user = { userId = userId, username = username, role = role, joinedAt = now, lastSeen = now, lastActive = now,
    connections = known and countConnections(userId) or 0, status = 'online' }
end
local returned = false
if not already then
  -- The socket of this user that ended moments ago is replaced by this one, and nobody sees anything.
  for _, leaver in ipairs(redis.call('ZRANGE', leavingKey, 0, -1)) do
    local leavingUser = splitMember(leaver)
    if leavingUser == userId then
      redis.call('ZREM', leavingKey, leaver)
      returned = true
      break
    end
  end
  if not returned then
    user.connections = user.connections + 1
    if known then changed(userId, 'connections', user.connections) end
  end
end
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
redis.call('ZADD', connectionsKey, now, member)
if known then
  showStatus(user)
else
  joins[1] = userId
  redis.call('ZADD', activeKey, user.lastActive, userId)
  publish('online', userId)
end
writeUser(user, true)
local answer = outcome(connectionId, { known and '0' or '1' })
answer[9][2] = readRecords()
return answer
`;

/** A connection leaves on purpose: at once, without grace. */
const depart = `${prelude}
local userId, connectionId, cause = ARGV[9], ARGV[10], ARGV[11]
settle()
local removed = redis.call('ZREM', connectionsKey, userId .. ':' .. connectionId)
if removed == 1 then dropConnection(userId, cause) end
return outcome(connectionId, { removed })
`;

/** The socket of a connection ended without a leave: its user has until the deadline to come back. */
const close = `${prelude}
local userId, connectionId, deadline, cause = ARGV[9], ARGV[10], ARGV[11], ARGV[12]
local removed = redis.call('ZREM', connectionsKey, userId .. ':' .. connectionId)
if removed == 1 then
  redis.call('ZADD', leavingKey, deadline, userId .. ':' .. connectionId .. ':' .. cause)
  keepKeys()
end
return { 'ok', '', 0, {}, {}, {}, {}, {}, { removed } }
`;

/** The whole state; for a connection that asks, also a sign of life. */
const list = `${prelude}
local userId, connectionId = ARGV[9], ARGV[10]
if userId ~= '' then
  local member = userId .. ':' .. connectionId
  local user = readUser(userId)
  if not user or not redis.call('ZSCORE', connectionsKey, member) then return { 'unknown' } end
  user.lastSeen = now
  redis.call('ZADD', usersKey, now, userId)
  redis.call('ZADD', connectionsKey, now, member)
  writeUser(user, true)
end
settle()
local answer = outcome('', {})
answer[9][1] = readRecords()
return answer
`;

/** A sweep's visit: ends what is due and says when to come again. */
const visit = `${prelude}
settle()
local answer = outcome('', {})
local next = math.huge
local function consider(key, after)
  local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
  if first[2] then next = math.min(next, tonumber(first[2]) + after) end
end
consider(connectionsKey, offlineAfter)
consider(usersKey, offlineAfter)
consider(leavingKey, 0)
consider(activeKey, awayAfter)
answer[9][1] = next == math.huge and '' or string.format('%d', next)
answer[9][2] = redis.call('LRANGE', departedKey, 0, tonumber(ARGV[9]) - 1)
answer[9][3] = redis.call('ZRANGE', usersKey, 0, -1, 'WITHSCORES')
return answer
`;

/** Takes a user, or everybody where none is named, out of the session. Answers the connections this ended. */
const evict = `${prelude}
local userId, cause = ARGV[9], ARGV[10]
local ended = {}
for _, key in ipairs({ connectionsKey, leavingKey }) do
  for _, member in ipairs(redis.call('ZRANGE', key, 0, -1)) do
    local owner, connectionId = splitMember(member)
    if userId == '' or owner == userId then
      redis.call('ZREM', key, member)
      if connectionId ~= '' and key == connectionsKey then ended[#ended + 1] = member end
    end
  end
end
local gone = userId == '' and redis.call('ZRANGE', usersKey, 0, -1) or { userId }
for _, each in ipairs(gone) do
  if redis.call('ZSCORE', usersKey, each) then removeUser(each, cause, readUser(each)) end
end
return outcome('', { ended })
`;

/** Changes the role others see; the permission itself is PostgreSQL's. */
const relabel = `${prelude}
local userId, role = ARGV[9], ARGV[10]
local user = readUser(userId)
if user and user.role ~= role then
  user.role = role
  changed(userId, 'role', role)
  writeUser(user, false)
end
return outcome('', {})
`;

export const presenceScripts = { touch, enter, depart, close, list, visit, evict, relabel } as const;
export type PresenceScript = keyof typeof presenceScripts;
