-- Counts a frame of a connection in the same script, so that counting costs no round trip. Returns the reply for the caller if
-- there were too many. A presence without a connection has no limit, because all of them would share it.
local function countFrame(connectionId)
  if connectionId == '' then return nil end
  local nextOnTime, wait = countOne(redis.call('HGET', ratesKey, connectionId), now)
  if not nextOnTime then return { 'limited', wait } end
  if redis.call('HSET', ratesKey, connectionId, nextOnTime) == 1 then renewsKeys = true end
  return nil
end
