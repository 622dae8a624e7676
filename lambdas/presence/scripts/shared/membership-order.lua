-- The connection table numbers the joins and leaves of a connection. They may arrive here in another order; the highest number
-- decides (rule PR18). It is kept for longer than any function may run.
local function isOvertaken(key, version)
  if version == '' then return false end
  local last = redis.call('GET', key)
  if last and tonumber(last) > tonumber(version) then return true end
  redis.call('SET', key, version, 'PX', membershipMillis)
  return false
end

-- Whether the connection has joined or left since the version that a reader of the connection table found.
local function isOutdated(key, version)
  local last = redis.call('GET', key)
  return version ~= '' and last and tonumber(last) > tonumber(version)
end
