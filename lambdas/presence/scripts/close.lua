-- The socket of a connection ended without a leave. Its user may return until the deadline.
if isUnknown() then return { 'unknown' } end
if isIncomplete() then
  invalidateSession()
  return { 'unknown' }
end
changesMembers = true
local member = userId .. ':' .. connectionId
local lastSeen = redis.call('ZSCORE', connectionsKey, member)
local isClosed = lastSeen and 1 or 0
redis.call('ZREM', connectionsKey, member)
forgetConnection(connectionId)
if lastSeen then
  -- If the end of a socket is noticed late, the connection was silent before. That time is part of the grace, not added to it.
  local ends = math.min(deadline, lastSeen + offlineAfter)
  redis.call('ZADD', leavingKey, ends, member .. ':' .. cause)
else
  -- A post found the socket gone before the service was told how it ended. After a clean close the grace is shorter.
  local gone = member .. ':gone'
  if deadline < tonumber(redis.call('ZSCORE', leavingKey, gone) or '0') then
    redis.call('ZREM', leavingKey, gone)
    redis.call('ZADD', leavingKey, deadline, member .. ':' .. cause)
    isClosed = 1
  end
end
return reply({}, {}, { closed = isClosed })
