-- The connection table numbers the joins and leaves of a connection. They may arrive here in another order; the highest number
-- decides (rule PR18).

-- Whether the connection has joined or left since the version that a reader of the connection table found.
local function isOutdated(key, version)
  local last = version ~= '' and redis.call('GET', key)
  return last and tonumber(last) > tonumber(version)
end

-- Keeps the version of a join or leave, unless a later one was served first. It is kept for longer than any function may run.
local function isOvertaken(key, version)
  if version == '' then return false end
  if isOutdated(key, version) then return true end
  redis.call('SET', key, version, 'PX', membershipMillis)
  return false
end
