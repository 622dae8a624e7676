-- The user of a connection that Redis knows; nil if the session has to be restored for it, or if it is not in the session.
local function seatedUser(userId, member)
  if not redis.call('ZSCORE', connectionsKey, member) then return nil end
  local user = readUser(userId)
  if not user then
    if hasRecentSign(userId) then invalidateSession() end
    return nil
  end
  -- Redis lost the list of users. The frame is processed again after a restore, so it must not be counted before.
  if not redis.call('ZSCORE', usersKey, userId) then return nil end
  return user
end
