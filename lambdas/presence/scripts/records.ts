/**
 * Reading and writing the records of users.
 *
 * A cursor is kept as the raw JSON the client sent (hash `cursors`) and spliced into the record as text: `cjson` would
 * round its numbers and turn an empty list into an object.
 */
export const records = `
-- Cursors as the records read here have them.
local recorded = {}
-- Whether this script renews the time to live of every key. Those that run for each frame do where they make a key, and
-- once a minute.
local keeps = true

local function readUser(userId)
  local text = redis.call('GET', recordPrefix .. userId)
  if not text then return nil end
  -- Inside a JSON string the quotes are escaped, so the first match is where the cursor was spliced in.
  local before, cut = string.find(text, ',"cursor":', 1, true)
  if not cut then return cjson.decode(text) end
  recorded[userId] = string.sub(text, cut + 1, -2)
  return cjson.decode(string.sub(text, 1, before - 1) .. '}')
end

-- An evicted hash comes back from the records.
local function cursorOf(userId)
  local cursor = redis.call('HGET', cursorsKey, userId)
  if cursor or not recorded[userId] then return cursor end
  redis.call('HSET', cursorsKey, userId, recorded[userId])
  keeps = true
  return recorded[userId]
end

-- A user points nowhere any more, and what waits to be sent about it is out of date.
local function forgetCursor(userId)
  recorded[userId] = nil
  redis.call('HDEL', cursorsKey, userId)
  redis.call('HDEL', tagsKey, userId)
  if redis.call('HDEL', pendingKey, userId) == 1 and redis.call('EXISTS', pendingKey) == 0 then
    redis.call('HDEL', windowKey, 'moving')
  end
end

local function encodeUser(user, cursor)
  local text = cjson.encode(user)
  cursor = cursor or cursorOf(user.userId)
  if cursor then text = string.sub(text, 1, -2) .. ',"cursor":' .. cursor .. '}' end
  return text
end

-- A sign of life renews the TTL; a change that others caused must not. Who knows the cursor tells it.
local function writeUser(user, alive, cursor)
  if alive then
    redis.call('SET', recordPrefix .. user.userId, encodeUser(user, cursor), 'PX', ARGV[5])
  else
    redis.call('SET', recordPrefix .. user.userId, encodeUser(user), 'KEEPTTL')
  end
end
`;
