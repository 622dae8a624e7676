-- Counts a frame of a connection, and for the meter (rule CO3) the messages of the session, in the same script. So counting costs no
-- round trip. Returns the reply for the caller if there were too many. A presence without a connection has no limit, because all of
-- them would share it.
local function countFrame(connectionId)
  if connectionId == '' then return nil end
  local found = redis.call('HMGET', ratesKey, connectionId, receivedField)
  local nextOnTime, wait = countOne(found[1], now)
  if not nextOnTime then
    redis.call('HINCRBY', ratesKey, receivedField, 1)
    return { 'limited', wait }
  end
  local received = tonumber(found[2] or '0') + 1
  if redis.call('HSET', ratesKey, connectionId, nextOnTime, receivedField, received) > 0 then renewsKeys = true end
  return nil
end

-- Counts a message that the rate limit does not count here, and its answer.
local function countMessage(connectionId)
  if connectionId == '' then return end
  if redis.call('HINCRBY', ratesKey, receivedField, 1) == 1 then renewsKeys = true end
  posted = posted + 1
end
