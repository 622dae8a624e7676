-- A member of the lists of connections: `<user>:<connection>`, in the list of closed ones with `:<cause>`.
local function splitMember(member)
  local userId, connectionId, cause = string.match(member, '^([^:]*):([^:]*):?(.*)$')
  return userId, connectionId, cause
end

-- Counts by the lists. Needed only if the record is lost, because the record holds the number.
local function countConnections(userId)
  local count, prefix = 0, userId .. ':'
  for _, key in ipairs({ connectionsKey, leavingKey }) do
    for _, member in ipairs(redis.call('ZRANGE', key, 0, -1)) do
      if string.find(member, prefix, 1, true) == 1 then count = count + 1 end
    end
  end
  return count
end

-- How many connections each user has, those in their reconnect grace included, and who has an open one. Reads each list
-- once, however many users are of interest.
local function connectionsByUser()
  local counts, connected = {}, {}
  for _, key in ipairs({ connectionsKey, leavingKey }) do
    for _, member in ipairs(redis.call('ZRANGE', key, 0, -1)) do
      local userId = splitMember(member)
      counts[userId] = (counts[userId] or 0) + 1
      if key == connectionsKey then connected[userId] = true end
    end
  end
  return counts, connected
end

local function setConnections(user, connections, known)
  if user.connections == connections then return false end
  user.connections = connections
  if known then changed(user.userId, 'connections', connections) end
  return true
end

-- Whether another user is connected. Used only if the numbers do not tell, so the session is small.
local function isOtherConnected(userId)
  for _, member in ipairs(redis.call('ZRANGE', connectionsKey, 0, -1)) do
    if splitMember(member) ~= userId then return true end
  end
  return false
end

-- Deletes what is kept for a connection that is no longer in the session.
local function forgetConnection(connectionId)
  redis.call('HDEL', ratesKey, connectionId)
  redis.call('HDEL', ordersKey, connectionId, '~' .. connectionId, 'data:' .. connectionId, 'data:~' .. connectionId,
    'hidden:' .. connectionId, 'hidden:~' .. connectionId)
  redis.call('SREM', compactKey, connectionId)
end
