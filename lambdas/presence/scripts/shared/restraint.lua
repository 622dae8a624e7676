-- The meter and the restraint of a session, for the scripts of the sweep (rules CO3, CO4).

-- A restraint that no sweep renews ends after this time. A sweep visits a session at least every half minute.
local restraintMillis = 90000
-- The clients are told the pace again after this time, because others may have joined.
local paceMillis = 20000

-- What was counted since the last call: messages of the clients, and posts and answers to them.
local function takeMeter()
  local received = tonumber(redis.call('HGET', ratesKey, receivedField) or '0')
  local found = redis.call('HMGET', epochKey, 'posted', 'meteredIn', 'meteredOut')
  local sent, meteredIn, meteredOut = tonumber(found[1] or '0'), tonumber(found[2] or '0'), tonumber(found[3] or '0')
  -- Redis may have evicted a counter, which then began anew.
  if received < meteredIn then meteredIn = 0 end
  if sent < meteredOut then meteredOut = 0 end
  if received ~= meteredIn or sent ~= meteredOut then
    redis.call('HSET', epochKey, 'meteredIn', received, 'meteredOut', sent)
  end
  return { received - meteredIn, sent - meteredOut }
end

-- Sets the restraint of the service for this session. Returns the connections that have to be told how far apart cursors are sent: while
-- a restraint is in force or the limit of the session thins cursors out, and once when that ends.
local function setRestraint(restraint)
  if restraint > 1 or spending().restraint > 1 then
    spending().restraint = restraint
    redis.call('HSET', epochKey, 'restraint', restraint, 'restrainedUntil', now + restraintMillis)
  end
  local apart = math.floor(cursorMillis())
  local isPaced = restraint > 1 or apart > math.max(longestWindow, windowMillis)
  local found = redis.call('HMGET', epochKey, 'pacedAt', 'pacedMillis')
  local toldAt, told = tonumber(found[1] or '0'), tonumber(found[2] or '0')
  if not isPaced and told == 0 then return {} end
  local isSame = isPaced and math.abs(apart - told) <= told / 10
  if isSame and now < toldAt + paceMillis then return {} end
  redis.call('HSET', epochKey, 'pacedAt', nowText, 'pacedMillis', isPaced and apart or 0)
  local receivers = receiversExcept('')
  posted = posted + #receivers
  return receivers
end
