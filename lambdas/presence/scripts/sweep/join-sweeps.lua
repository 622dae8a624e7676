-- Puts a sweep on the list of running sweeps, or keeps it there. Replies with the restraint, what the service spends in an hour at the
-- present rate, and all sweeps. The list of sweeps is empty if it is full.
--
-- The hash `spend` holds what all sweeps metered, in millionths of a dollar (rules CO3, CO4): `hour` of the hour that runs, and `0` to
-- `3` of ten seconds each. Before an amount stands the number of its hour, or of its ten seconds.
local slotMillis, slots, hourMillis = 10000, 4, 3600000
local mostRestraint = 300
-- What a restraint changes shows in the meter after this time.
local settleMillis = 10000
-- The bill has a little more than what is metered, so the forecast has to stay below this share of the bound.
local share = 0.95

local at = tonumber(now)
local function amountOf(field, number)
  local stored, amount = string.match(redis.call('HGET', spendKey, field) or '', '^(%d+):(%d+)$')
  return tonumber(stored) == number and tonumber(amount) or 0
end
local function add(field, number)
  local amount = amountOf(field, number) + tonumber(spent)
  redis.call('HSET', spendKey, field, string.format('%d:%d', number, amount))
  return amount
end

local slot, hour = math.floor(at / slotMillis), math.floor(at / hourMillis)
add(tostring(slot % slots), slot)
local inHour = add('hour', hour)
redis.call('PEXPIRE', spendKey, ttl)
local recent = 0
for before = 0, slots - 1 do recent = recent + amountOf(tostring((slot - before) % slots), slot - before) end
local perMilli = recent / ((slots - 1) * slotMillis + at % slotMillis)

local restraint = tonumber(redis.call('HGET', spendKey, 'restraint') or '1')
local most = tonumber(bound)
local adjustedAt = tonumber(redis.call('HGET', spendKey, 'adjustedAt') or '0')
if most == 0 then
  restraint = 1
elseif at >= adjustedAt + settleMillis then
  local forecast = inHour + perMilli * (hourMillis - at % hourMillis)
  if forecast > share * most then restraint = math.min(mostRestraint, restraint * math.min(4, math.max(1.25, forecast / most)))
  elseif forecast < 0.75 * most then restraint = math.max(1, restraint / 1.25) end
  redis.call('HSET', spendKey, 'restraint', string.format('%.3f', restraint), 'adjustedAt', now)
end

redis.call('ZREMRANGEBYSCORE', sweepsKey, '-inf', now - millis)
local reply = { string.format('%.3f', restraint), string.format('%d', perMilli * hourMillis) }
local isListed = redis.call('ZSCORE', sweepsKey, holder)
if not isListed and redis.call('ZCARD', sweepsKey) >= tonumber(mostSweeps) then return reply end
redis.call('ZADD', sweepsKey, now, holder)
redis.call('PEXPIRE', sweepsKey, ttl)
for _, each in ipairs(redis.call('ZRANGE', sweepsKey, 0, -1)) do reply[#reply + 1] = each end
return reply
