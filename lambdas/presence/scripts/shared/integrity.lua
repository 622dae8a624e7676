-- How a session notices that Redis evicted a part of it (rule FA2). Another key keeps the numbers of users and connections. If they
-- differ from the lists, a list was lost.
local function countMembers()
  return redis.call('ZCARD', usersKey), redis.call('ZCARD', connectionsKey), redis.call('ZCARD', leavingKey)
end

local function isIncomplete()
  local found = redis.call('HMGET', epochKey, 'people', 'seats', 'closed')
  local people, seats, closed = countMembers()
  return found[1] and (tonumber(found[1]) ~= people or tonumber(found[2]) ~= seats or tonumber(found[3]) ~= closed)
end

-- Marks the session as unknown. The next frame causes a restore from the connection table, with a new epoch, so that every client
-- asks for a snapshot.
local function invalidateSession()
  redis.call('HDEL', epochKey, 'epoch')
end

-- Whether the last sign of life of a user is so recent that their record should exist. If it is missing, it was
-- evicted. The margin is for scripts that reach Redis late.
local function hasRecentSign(userId)
  local heard = redis.call('ZSCORE', usersKey, userId)
  return heard and tonumber(heard) > now - offlineAfter - outageAllowance + math.min(1000, offlineAfter / 2)
end

-- The records of all users. Invalidates the session if one is missing that should exist.
local function readRecords()
  local userIds = redis.call('ZRANGE', usersKey, 0, -1)
  local records, counts, connected = {}, nil, nil
  for first = 1, #userIds, 500 do
    local keys = {}
    for index = first, math.min(first + 499, #userIds) do keys[#keys + 1] = recordPrefix .. userIds[index] end
    for index, text in ipairs(redis.call('MGET', unpack(keys))) do
      local userId = userIds[first + index - 1]
      if not text and not counts then counts, connected = connectionsByUser() end
      if text then
        records[#records + 1] = text
      elseif not counts[userId] then
        -- The record and the connections were evicted one after the other and no leave was sent, so every client asks for a snapshot.
        redis.call('ZREM', usersKey, userId)
        redis.call('HSET', epochKey, 'people', redis.call('ZCARD', usersKey))
        invalidateSession()
      elseif connected[userId] and hasRecentSign(userId) then
        invalidateSession()
      end
    end
  end
  return records
end

-- Begins a new epoch: every client asks for a snapshot, users get new short names, and evicted connections no longer count.
local function startEpoch()
  redis.call('HSET', epochKey, 'epoch', freshEpoch, 'seq', 0, 'users', 0)
  local counts = connectionsByUser()
  for _, userId in ipairs(redis.call('ZRANGE', usersKey, 0, -1)) do
    local user = readUser(userId)
    if user then
      user.connections = counts[userId] or user.connections
      user.index = redis.call('HINCRBY', epochKey, 'users', 1)
      writeUser(user, false)
    end
  end
end
