-- A join or leave stays in the movement journal, in exactly this text, until PostgreSQL has it.
local function appendToJournal(movement)
  local text = cjson.encode(movement)
  redis.call('RPUSH', journalKey, text)
  redis.call('PEXPIRE', journalKey, math.max(keepMillis, 86400000))
  return text
end

-- The last movement in the journal of each user, a join or a leave. The journal may be long: with `onlyUser`, only entries that name
-- this user are decoded.
local function lastMovements(onlyUser)
  local last = {}
  for _, text in ipairs(redis.call('LRANGE', journalKey, 0, -1)) do
    if not onlyUser or string.find(text, onlyUser, 1, true) then
      local movement = cjson.decode(text)
      last[movement.userId] = movement
    end
  end
  return last
end

-- The users whose last movement in the journal is a leave, with that leave. If they are seated again, that is a new join.
local function unwrittenLeaves(onlyUser)
  local last = lastMovements(onlyUser)
  for userId, movement in pairs(last) do
    if movement.came then last[userId] = nil end
  end
  return last
end

-- When the stay of a user without a record began, if their join is still in the journal. The journal is read once: a script ends
-- each user once at most, and many of them may have lost their record.
local journaled = nil
local function joinedByJournal(userId)
  journaled = journaled or lastMovements()
  local movement = journaled[userId]
  return movement and movement.came and movement.at or nil
end

-- Drops the update of a user who leaves: another tab of the user may have ended in the same script.
local function forgetUpdate(userId)
  local update = updatedUsers[userId]
  updatedUsers[userId] = nil
  for index, each in ipairs(updates) do
    if each == update then return table.remove(updates, index) end
  end
end

-- Ends the stay of a user. `at` is the time at which it ended, however late a sweep finds that. Clocks of two environments differ a
-- little, so `at` is moved after the join and after the last sign of life. `leftAt` makes the next join later than this
-- leave.
local function removeUser(userId, cause, user, at, keyId)
  -- Without it the leave would count as the end of an earlier stay, whose own leave the journal may still have.
  local joinedAt
  if user then joinedAt = user.joinedAt else joinedAt = joinedByJournal(userId) end
  local isAgent = redis.call('HDEL', epochKey, 'agent:' .. userId) == 1
  if isAgent then
    redis.call('HINCRBY', epochKey, 'agents', -1)
    if cause == 'timeout' then cause = 'lease_ended' end
  end
  at = math.max(at or now, (joinedAt or 0) + 1, user and (user.renewedAt or user.lastSeen) or 0)
  if at > tonumber(redis.call('HGET', epochKey, 'leftAt') or '0') then
    redis.call('HSET', epochKey, 'leftAt', string.format('%d', at))
  end
  redis.call('ZREM', usersKey, userId)
  redis.call('ZREM', activeKey, userId)
  forgetCursor(userId)
  local joinedUntil = tonumber(redis.call('HGET', epochKey, 'joinedUntil:' .. userId) or nil)
  redis.call('HDEL', epochKey, 'chosen:' .. userId, 'joinedUntil:' .. userId)
  redis.call('HDEL', rolesKey, userId)
  redis.call('DEL', recordPrefix .. userId)
  recordedData[userId] = nil
  forgetUpdate(userId)
  leaves[#leaves + 1] = userId
  leavers[#leavers + 1] = cause
  departures[#departures + 1] = appendToJournal({ userId = userId, cause = cause, at = at,
    joinedAt = not isConcluding and joinedAt or nil, restored = user and user.restored, joinedUntil = joinedUntil,
    kind = isAgent and 'agent' or nil, keyId = keyId })
  publish('offline', userId, '{"cause":"' .. cause .. '"}')
end

-- Some connections of a user have ended. The user leaves with the last one.
local function endConnections(userId, user, remaining, cause, at)
  if remaining <= 0 then
    removeUser(userId, cause, user, at)
  elseif user then
    user.connections = remaining
    changed(userId, 'connections', remaining)
    if user.hidden then
      setHidden(user, nil, false)
      showStatus(user)
    end
    writeUser(user, false)
  end
end

local function dropConnection(userId, cause)
  local user = readUser(userId)
  -- If Redis lost the list of users or the record, the connections still tell who is present.
  local known = redis.call('ZSCORE', usersKey, userId)
  local remaining = known and user and user.connections - 1 or countConnections(userId)
  endConnections(userId, user, remaining, cause)
end

-- Ends everything that is overdue: silent connections, expired reconnect graces, old activity. If several connections of one
-- user are overdue, they count as one end: that of the last of them.
local function expireOverdue()
  local silentSince = now - offlineAfter - outageAllowance
  local order, ends, counts = {}, {}, nil
  local function connectionsLeft(userId)
    if not counts then counts = connectionsByUser() end
    return counts[userId] or 0
  end
  local function collect(key, dueUntil, later, knownCause)
    local over = redis.call('ZRANGEBYSCORE', key, '-inf', dueUntil, 'WITHSCORES')
    for index = 1, #over, 2 do
      redis.call('ZREM', key, over[index])
      local userId, connectionId, cause = splitMember(over[index])
      forgetConnection(connectionId)
      if not ends[userId] then
        order[#order + 1] = userId
        ends[userId] = { dropped = 0 }
      end
      local ended = ends[userId]
      ended.dropped, ended.cause, ended.at = ended.dropped + 1, knownCause or cause, tonumber(over[index + 1]) + later
    end
  end
  collect(connectionsKey, silentSince, offlineAfter, 'timeout')
  collect(leavingKey, now - outageAllowance, 0, nil)
  for _, userId in ipairs(order) do
    local ended = ends[userId]
    local user = readUser(userId)
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
