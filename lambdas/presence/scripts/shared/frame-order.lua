-- Frames of one connection may overtake each other (rule PR18). The hash `orders` holds, for each connection, the highest turns
-- that decided about cursor, status and activity, and the highest turn that was user activity. A turn is the `order` that the
-- client gave, in the field `<connection>`. For frames without `order` it is the time at which API Gateway received them, in the
-- field `~<connection>`.
local function readTurns(field)
  local text = redis.call('HGET', ordersKey, field)
  if not text then return 0, 0, 0, 0 end
  local cursor, status, activity, acted = string.match(text, '^(%d+) (%d+) (%d+) (%d+)$')
  return tonumber(cursor), tonumber(status), tonumber(activity), tonumber(acted)
end

-- Returns true if the connection had no turns before.
local function writeTurns(field, cursor, status, activity, acted)
  return redis.call('HSET', ordersKey, field, string.format('%.0f %.0f %.0f %.0f', cursor, status, activity, acted)) == 1
end
