/** How long a frame may be under way: longer than any function may run, in milliseconds. */
export const underWay = 60_000;

/**
 * Frames of one connection may overtake each other (rule PR18).
 *
 * The hash `orders` holds, for each connection, the highest turns that decided about cursor, status and activity, and the
 * highest turn that was user activity. A turn is the `order` that the client gave, in the field `<connection>`. For frames
 * without `order` it is the time at which API Gateway received them, in the field `~<connection>`.
 */
export const turns = `
local function readTurns(field)
  local text = redis.call('HGET', ordersKey, field)
  if not text then return 0, 0, 0, 0 end
  local cursor, status, activity, acted = string.match(text, '^(%d+) (%d+) (%d+) (%d+)$')
  return tonumber(cursor), tonumber(status), tonumber(activity), tonumber(acted)
end

-- True where the connection had none before.
local function writeTurns(field, cursor, status, activity, acted)
  return redis.call('HSET', ordersKey, field, string.format('%.0f %.0f %.0f %.0f', cursor, status, activity, acted)) == 1
end
`;

/** Lua functions of the scripts that begin or end what a connection has in a session. */
export const connectionEnds = `
-- What is kept beside the seat of a connection ends with the seat.
local function forgetConnection(connectionId)
  redis.call('HDEL', ratesKey, connectionId)
  redis.call('HDEL', ordersKey, connectionId, '~' .. connectionId, 'data:' .. connectionId, 'data:~' .. connectionId)
  redis.call('SREM', compactKey, connectionId)
end

-- The connection table numbers the joins and leaves of a connection. They may come here in another order, which the
-- highest number decides. It is kept for as long as a frame may be under way.
local function isOvertaken(key, version)
  if version == '' then return false end
  local last = redis.call('GET', key)
  if last and tonumber(last) > tonumber(version) then return true end
  redis.call('SET', key, version, 'PX', ${underWay})
  return false
end
`;
