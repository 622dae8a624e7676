-- A user who signed in takes over what the guest has in the session: status, activity, data, cursor, short name and the beginning of
-- the stay. One diff tells this to the others. Until the connection of the user joins, the user is in the reconnect grace. Replies
-- with the connections of the guest that were in the session, and whether the user waits for their connection. A user who is
-- present already keeps what they have.
if isUnknown() then return { 'unknown' } end
if isIncomplete() then
  invalidateSession()
  return { 'unknown' }
end
changesMembers = true
expireOverdue()
local guest = redis.call('ZSCORE', usersKey, guestId) and readUser(guestId)
local ended = {}
local function answer()
  local isPresent = redis.call('ZSCORE', usersKey, userId)
  local isSeated = redis.call('ZSCORE', connectionsKey, userId .. ':' .. connectionId)
  return outcome('', { ended = ended, waits = isPresent and not isSeated and 1 or 0 })
end
if not guest then return answer() end

for _, key in ipairs({ connectionsKey, leavingKey }) do
  for _, member in ipairs(redis.call('ZRANGE', key, 0, -1)) do
    local owner, guestConnection = splitMember(member)
    if owner == guestId then
      redis.call('ZREM', key, member)
      forgetConnection(guestConnection)
      if guestConnection ~= '' and key == connectionsKey then ended[#ended + 1] = member end
    end
  end
end
local cursor, data = cursorOf(guestId) or nil, recordedData[guestId]
redis.call('ZREM', usersKey, guestId)
redis.call('ZREM', activeKey, guestId)
forgetCursor(guestId)
redis.call('HDEL', epochKey, 'chosen:' .. guestId, 'joinedUntil:' .. guestId)
redis.call('HDEL', rolesKey, guestId)
redis.call('DEL', recordPrefix .. guestId)
recordedData[guestId] = nil
forgetUpdate(guestId)
leaves[#leaves + 1] = guestId
leavers[#leavers + 1] = 'signed_in'
publish('offline', guestId, '{"cause":"signed_in"}')

local user = redis.call('ZSCORE', usersKey, userId) and readUser(userId)
if user then
  if not user.guestId then
    user.guestId = guestId
    changed(userId, 'guestId', guestId)
    writeUser(user, false)
  end
  return answer()
end
user = guest
user.userId, user.username, user.role, user.guestId = userId, username, role, guest.guestId or guestId
user.connections, user.hidden, user.lastSeen = 1, nil, now
recordedData[userId], recordedCursors[userId] = data, cursor
if cursor then redis.call('HSET', cursorsKey, userId, cursor) end
storeChosen(user)
redis.call('ZADD', leavingKey, deadline, userId .. ':' .. connectionId .. ':disconnected')
redis.call('ZADD', usersKey, now, userId)
redis.call('ZADD', activeKey, user.lastActive, userId)
redis.call('HSET', rolesKey, userId, role)
user.status = visibleStatus(user)
writeUser(user, true)
joins[#joins + 1] = userId
publish(user.status, userId)
return answer()
