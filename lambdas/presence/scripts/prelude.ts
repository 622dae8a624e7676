import { keptFor, renewKeys } from './names.ts';

/**
 * What every presence script has after its names and the records: collecting changes and numbering them. Redis
 * runs a script as one step, so each change is found, numbered and handed out exactly once.
 */
export const prelude = `
local roleRank = { viewer = 1, commenter = 2, operator = 3 }
local rank = { online = 1, away = 2, offline = 3 }
local joins, updates, updatedUsers, leaves, leavers, goings = {}, {}, {}, {}, {}, {}
-- Whether this script may change who is there.
local reseats = false
-- Whether the leaves of this script are concluded from the connection table: then the audit trail may have them already.
local concludes = false

local function timeText(at)
  return at == now and nowText or string.format('%d', at)
end

local function visibleStatus(user)
  local status = 'online'
  if now - user.lastSeen >= offlineAfter + spared then status = 'offline'
  elseif now - user.lastActive >= awayAfter then status = 'away' end
  if user.chosen and rank[user.chosen] > rank[status] then status = user.chosen end
  return status
end

local function publish(kind, userId, data)
  redis.call('PUBLISH', channel, '{"type":"' .. kind .. '","sessionId":"' .. sessionId .. '","userId":"' .. userId ..
    '","timestamp":' .. nowText .. (data and (',"data":' .. data) or '') .. '}')
end

local function changed(userId, field, value)
  local update = updatedUsers[userId]
  if not update then
    update = { userId = userId }
    updatedUsers[userId] = update
    updates[#updates + 1] = update
  end
  update[field] = value
end

local function showStatus(user)
  local status = visibleStatus(user)
  if status ~= user.status then
    user.status = status
    changed(user.userId, 'status', status)
    publish(status, user.userId)
  end
  if status == 'online' and redis.call('ZADD', activeKey, timeText(user.lastActive), user.userId) == 1 then keeps = true end
end

-- The roles of those who are present, as numbers. An evicted hash comes back from the records.
local function roleRanks()
  local found, ranks = redis.call('HGETALL', rolesKey), {}
  for index = 1, #found, 2 do ranks[found[index]] = roleRank[found[index + 1]] end
  if #found > 0 then return ranks end
  keeps = true
  for _, userId in ipairs(redis.call('ZRANGE', usersKey, 0, -1)) do
    local user = readUser(userId)
    if user then
      redis.call('HSET', rolesKey, userId, user.role)
      ranks[userId] = roleRank[user.role]
    end
  end
  return ranks
end

local function splitMember(member)
  local userId, connectionId, cause = string.match(member, '^([^:]*):([^:]*):?(.*)$')
  return userId, connectionId, cause
end

-- Only where the record is lost: the count is otherwise in it.
local function countConnections(userId)
  local count, prefix = 0, userId .. ':'
  for _, key in ipairs({ connectionsKey, leavingKey }) do
    for _, member in ipairs(redis.call('ZRANGE', key, 0, -1)) do
      if string.find(member, prefix, 1, true) == 1 then count = count + 1 end
    end
  end
  return count
end

-- The connections of each user, those in their grace included, and who has one that is open: one look at each list,
-- however many users are asked about.
local function connectionsByUser()
  local counts, connected = {}, {}
  for _, key in ipairs({ connectionsKey, leavingKey }) do
    for _, member in ipairs(redis.call('ZRANGE', key, 0, -1)) do
      local userId = splitMember(member)
      counts[userId] = (counts[userId] or 0) + 1
      if key == connectionsKey then connected[userId] = true end
    end
  end
  return counts, connected
end

local function setConnections(user, connections, known)
  if user.connections == connections then return false end
  user.connections = connections
  if known then changed(user.userId, 'connections', connections) end
  return true
end

-- Whether anybody else is connected; asked where that is not plain from the numbers, so the room is small.
local function isHeardByOthers(userId)
  for _, member in ipairs(redis.call('ZRANGE', connectionsKey, 0, -1)) do
    if splitMember(member) ~= userId then return true end
  end
  return false
end

-- A coming or going stays on this list until it is written down elsewhere, in the form in which it was put there.
local function remember(movement)
  local text = cjson.encode(movement)
  redis.call('RPUSH', departedKey, text)
  redis.call('PEXPIRE', departedKey, math.max(keepMillis, 86400000))
  return text
end

-- Users whose last movement on the list is a leave, with that leave: where they are seated again, they have come anew. The
-- list may be long: with \`onlyUser\`, only what names this user is decoded.
local function unwrittenLeaves(onlyUser)
  local last = {}
  for _, text in ipairs(redis.call('LRANGE', departedKey, 0, -1)) do
    if not onlyUser or string.find(text, onlyUser, 1, true) then
      local movement = cjson.decode(text)
      last[movement.userId] = not movement.came and movement or nil
    end
  end
  return last
end

-- Whoever leaves has no other news: their last tab but one may have ended in the same step.
local function forgetUpdate(userId)
  local update = updatedUsers[userId]
  updatedUsers[userId] = nil
  for index, each in ipairs(updates) do
    if each == update then return table.remove(updates, index) end
  end
end

-- \`at\` is when it came to be: a sweep that is late changes nothing about the departure. The clocks of two environments
-- differ a little; in the story of a person each going is after the coming before it, and each coming after what went
-- before. Nobody is gone before their last sign of life, either, whichever of their connections ended last.
local function removeUser(userId, cause, user, at)
  local joinedAt = user and user.joinedAt
  at = math.max(at or now, (joinedAt or 0) + 1, user and user.lastSeen or 0)
  if at > tonumber(redis.call('HGET', epochKey, 'leftAt') or '0') then
    redis.call('HSET', epochKey, 'leftAt', string.format('%d', at))
  end
  redis.call('ZREM', usersKey, userId)
  redis.call('ZREM', activeKey, userId)
  forgetCursor(userId)
  redis.call('HDEL', epochKey, 'chosen:' .. userId)
  redis.call('HDEL', rolesKey, userId)
  redis.call('DEL', recordPrefix .. userId)
  forgetUpdate(userId)
  leaves[#leaves + 1] = userId
  leavers[#leavers + 1] = cause
  goings[#goings + 1] = remember({ userId = userId, cause = cause, at = at,
    joinedAt = not concludes and joinedAt or nil, restored = user and user.restored })
  publish('offline', userId, '{"cause":"' .. cause .. '"}')
end

-- Connections of a user are gone for good: the user goes with the last one.
local function endConnections(userId, user, remaining, cause, at)
  if remaining <= 0 then
    removeUser(userId, cause, user, at)
  elseif user then
    user.connections = remaining
    changed(userId, 'connections', remaining)
    writeUser(user, false)
  end
end

local function dropConnection(userId, cause)
  local user = readUser(userId)
  -- Where Redis lost the list of users or the record, the connections still tell who is there.
  local known = redis.call('ZSCORE', usersKey, userId)
  local remaining = known and user and user.connections - 1 or countConnections(userId)
  endConnections(userId, user, remaining, cause)
end

-- Ends what is over by the clocks: silent connections, expired graces, activity that became too old. All connections of
-- a user that are over count as one end, that of the last of them.
local function settle()
  local silentSince = now - offlineAfter - spared
  local order, ends, counts = {}, {}, nil
  local function connectionsLeft(userId)
    if not counts then counts = connectionsByUser() end
    return counts[userId] or 0
  end
  local function collect(key, dueUntil, later, knownCause)
    local over = redis.call('ZRANGEBYSCORE', key, '-inf', dueUntil, 'WITHSCORES')
    for index = 1, #over, 2 do
      redis.call('ZREM', key, over[index])
      local userId, _, cause = splitMember(over[index])
      if not ends[userId] then
        order[#order + 1] = userId
        ends[userId] = { dropped = 0 }
      end
      local ended = ends[userId]
      ended.dropped, ended.cause, ended.at = ended.dropped + 1, knownCause or cause, tonumber(over[index + 1]) + later
    end
  end
  collect(connectionsKey, silentSince, offlineAfter, 'timeout')
  collect(leavingKey, now - spared, 0, nil)
  for _, userId in ipairs(order) do
    local ended = ends[userId]
    local user = readUser(userId)
    -- Where Redis lost the list of users or the record, the connections still tell who is there.
    local known = redis.call('ZSCORE', usersKey, userId)
    local remaining = known and user and user.connections - ended.dropped or connectionsLeft(userId)
    endConnections(userId, user, remaining, ended.cause, ended.at)
  end
  for _, userId in ipairs(redis.call('ZRANGEBYSCORE', usersKey, '-inf', silentSince)) do
    if connectionsLeft(userId) == 0 then removeUser(userId, 'timeout', readUser(userId)) end
  end
  for _, userId in ipairs(redis.call('ZRANGEBYSCORE', activeKey, '-inf', now - awayAfter)) do
    redis.call('ZREM', activeKey, userId)
    local user = readUser(userId)
    if user then
      showStatus(user)
      writeUser(user, false)
    end
  end
end

local function keepKeys(keptAt)
  if not keeps and now - keptAt < ${keptFor} then return end
  ${renewKeys}
end

local function readEpoch()
  local found = redis.call('HMGET', epochKey, 'epoch', 'seq', 'cursorRole', 'keptAt')
  if found[1] then return found[1], tonumber(found[2]), found[3] or '', tonumber(found[4] or '0') end
  redis.call('HSET', epochKey, 'epoch', freshEpoch, 'seq', 0)
  return freshEpoch, 0, found[3] or '', 0
end

local function keepChosen(user)
  if user.chosen then
    redis.call('HSET', epochKey, 'chosen:' .. user.userId, user.chosen)
  else
    redis.call('HDEL', epochKey, 'chosen:' .. user.userId)
  end
end

-- Who chose to be invisible stays so when the record is lost: the choice is kept beside the epoch, too.
local function newUser(userId, username, role, joinedAt, invisible)
  local chosen = redis.call('HGET', epochKey, 'chosen:' .. userId) or (invisible and 'offline') or nil
  return { userId = userId, username = username, role = role, joinedAt = joinedAt, lastSeen = now, lastActive = now,
    connections = 0, chosen = chosen, status = chosen or 'online' }
end

-- The connections that receive a frame, without the one given.
local function receiversExcept(connectionId)
  local receivers = {}
  for _, member in ipairs(redis.call('ZRANGE', connectionsKey, 0, -1)) do
    local _, receiver = splitMember(member)
    if receiver ~= '' and receiver ~= connectionId then receivers[#receivers + 1] = member end
  end
  return receivers
end
`;
