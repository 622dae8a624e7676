/**
 * How a session notices that Redis evicted a part of it, and what it does then (rule FA2): seats and people are counted, a
 * record that is missing too early was lost, and an epoch that begins anew brings every client the whole state.
 */
export const wholeness = `
-- Redis may evict one key of a session and keep the others. How many people and seats there were when a script last
-- changed that lies apart from them, and tells.
local function countSeats()
  return redis.call('ZCARD', usersKey), redis.call('ZCARD', connectionsKey), redis.call('ZCARD', leavingKey)
end

local function isTorn()
  local found = redis.call('HMGET', epochKey, 'people', 'seats', 'closed')
  local people, seats, closed = countSeats()
  return found[1] and (tonumber(found[1]) ~= people or tonumber(found[2]) ~= seats or tonumber(found[3]) ~= closed)
end

-- A session that lost a part counts as unknown from here on: the next frame has it brought back from the connection
-- table, under an epoch that makes every client ask for the whole state.
local function giveUp()
  redis.call('HDEL', epochKey, 'epoch')
end

-- A record ends with the silence after which its user is gone; one that is missing long before was evicted. A script may
-- be on its way for a while, so that its time is older than the record's end.
local function wasHeard(userId)
  local heard = redis.call('ZSCORE', usersKey, userId)
  return heard and tonumber(heard) > now - offlineAfter - spared + math.min(1000, offlineAfter / 2)
end

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
        -- Record and seats were evicted one after the other, and nobody was told: everybody asks for the whole state.
        redis.call('ZREM', usersKey, userId)
        redis.call('HSET', epochKey, 'people', redis.call('ZCARD', usersKey))
        giveUp()
      elseif connected[userId] and wasHeard(userId) then
        giveUp()
      end
    end
  end
  return records
end

-- Everybody gets a short name anew, connections that were evicted count no more, and every client asks for the whole state.
local function beginEpoch()
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
`;
