-- Hidden connections [PR17]: the timers of their pages are throttled, so the next sign of life is due later. `user.hidden` lists them.
-- The list of connections holds for them a time in the future, so that they become overdue `hiddenMillis` after their last frame.

-- Stores whether a connection is hidden, and removes hidden connections that have ended.
local function setHidden(user, connectionId, isHidden)
  if not user.hidden and not isHidden then return end
  local kept = {}
  for _, each in ipairs(user.hidden or {}) do
    if each ~= connectionId and redis.call('ZSCORE', connectionsKey, user.userId .. ':' .. each) then kept[#kept + 1] = each end
  end
  if isHidden then kept[#kept + 1] = connectionId end
  user.hidden = #kept > 0 and kept or nil
end

-- Whether a frame says if its connection is hidden. A later frame may have been served before it [PR18].
local function saysHidden(user, isHidden, turnField, turn)
  if turnField == '' or not (isHidden or user.hidden) then return true end
  local field = 'hidden:' .. turnField
  if turn < tonumber(redis.call('HGET', ordersKey, field) or '0') then return false end
  if redis.call('HSET', ordersKey, field, turn) == 1 then renewsKeys = true end
  return true
end

-- How long after its last sign of life a user is offline.
local function silenceOf(user)
  return user.hidden and math.max(hiddenMillis, offlineAfter) or offlineAfter
end

-- How long the record of a user is kept. That of an agent is kept beyond its lease, because the sweep reads it then.
local function recordMillis(user)
  return user.leaseUntil and math.max(0, user.leaseUntil - now) + offlineAfter or silenceOf(user)
end
