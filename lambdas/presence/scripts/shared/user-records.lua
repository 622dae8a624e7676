-- Reading and writing the records of users.

local function readUser(userId)
  local text = redis.call('GET', recordPrefix .. userId)
  if not text then return nil end
  local user, data, cursor = parseRecord(text)
  recordedCursors[userId], recordedData[userId] = cursor, data
  return user
end

-- The cursor of a user. If Redis evicted the hash of cursors, the record restores it.
local function cursorOf(userId)
  local cursor = redis.call('HGET', cursorsKey, userId)
  if cursor or not recordedCursors[userId] then return cursor end
  redis.call('HSET', cursorsKey, userId, recordedCursors[userId])
  renewsKeys = true
  return recordedCursors[userId]
end

-- Removes the cursor of a user, and what waits to be sent about it.
local function forgetCursor(userId)
  recordedCursors[userId] = nil
  redis.call('HDEL', cursorsKey, userId)
  redis.call('HDEL', tagsKey, userId)
  redis.call('HDEL', windowKey, 'unseen:' .. userId)
  if redis.call('HDEL', pendingKey, userId) == 1 and redis.call('EXISTS', pendingKey) == 0 then
    redis.call('HDEL', windowKey, 'moving')
  end
end

-- Writes a record. A sign of life renews its time to live; a change by another user does not. A caller that knows the cursor
-- passes it.
local function writeUser(user, isAlive, cursor)
  local text = encodeRecord(user, recordedData[user.userId], cursor or cursorOf(user.userId) or nil)
  if isAlive then
    if user.hidden or user.leaseUntil then redis.call('SET', recordPrefix .. user.userId, text, 'PX', recordMillis(user))
    else writeRecord(user.userId, text) end
  else
    redis.call('SET', recordPrefix .. user.userId, text, 'KEEPTTL')
  end
end
