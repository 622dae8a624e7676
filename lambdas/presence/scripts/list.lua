-- All users. For a connection that asks, it is also a sign of life.
if isUnknown() then return { 'unknown' } end
changesMembers = not isIncomplete()
if userId ~= '' then
  if not changesMembers then
    invalidateSession()
    return { 'unknown' }
  end
  local member = userId .. ':' .. connectionId
  local user = readUser(userId)
  if not user and hasRecentSign(userId) then invalidateSession() end
  if not user or not redis.call('ZSCORE', connectionsKey, member) then return { 'unknown' } end
  local limited = countFrame(connectionId)
  if limited then return limited end
  user.lastSeen = now
  redis.call('ZADD', usersKey, now, userId)
  -- A hidden connection stays hidden.
  redis.call('ZADD', connectionsKey, 'GT', now, member)
  writeUser(user, true)
end
expireOverdue()
if userId ~= '' then posted = posted + 1 end
return outcome('', function() return { records = readRecords() } end)
