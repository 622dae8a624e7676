-- A connection joins the session. Replies with all users, the joined one included.
if isOvertaken(versionKey, version) then return { 'overtaken' } end
-- The status, activity and data of the join.
local ownState = ownStateText ~= '' and cjson.decode(ownStateText) or {}
if ownState.data and not changeOfData(readUser(userId) or { userId = userId }, ownState.data) then return { 'large' } end
changesMembers = true
if isIncomplete() then invalidateSession() end

local member = userId .. ':' .. connectionId
expireOverdue()
local known = redis.call('ZSCORE', usersKey, userId)
local already = redis.call('ZSCORE', connectionsKey, member)
local user = readUser(userId)
-- If the record was lost, clients that asked for a snapshot since then do not know the user.
local shown = known and user
-- A stay begins without a cursor, also if Redis lost the end of the previous stay.
if not known and not user then redis.call('HDEL', cursorsKey, userId) end
local leftAt = tonumber(redis.call('HGET', epochKey, 'leftAt') or '0')
if not user then
  user = newUser(userId, username, role, math.max(now, leftAt + 1), isInvisible)
  if ownState.kept then setData(user, ownState.kept) end
  user.guestId = ownState.guestId
end
local agent = ownState.agent
if agent then
  user.onBehalfOf = agent.onBehalfOf
  setLease(user, agent.leaseUntil)
end
if ownState.status then user.chosen = ownState.status ~= 'online' and ownState.status or nil end
-- A user who chooses to be online is active, also if they chose it while they had no connection.
if ownState.status == 'online' then user.lastActive = math.max(now, user.lastActive) end
storeChosen(user)
if isUnknown() then startEpoch() end
-- A short name for the user, valid in this epoch.
if not user.index then user.index = redis.call('HINCRBY', epochKey, 'users', 1) end
if not already then
  -- This connection replaces a socket of the user that ended shortly before, and the others see no change.
  for _, leaver in ipairs(redis.call('ZRANGE', leavingKey, 0, -1)) do
    if splitMember(leaver) == userId then
      redis.call('ZREM', leavingKey, leaver)
      break
    end
  end
end
redis.call('ZADD', connectionsKey, signOf(user), member)
-- A stay begins with the join. Frames that the connection sent before do not count.
if turnField ~= '' and not already then writeTurns(turnField, turn, turn, turn, turn) end
-- Counted, not incremented, because Redis may have evicted one key and kept another.
setConnections(user, countConnections(userId), shown)
setHidden(user, connectionId, false)
if user.username ~= username then
  user.username = username
  if shown then changed(userId, 'username', username) end
end
if user.role ~= role then
  user.role = role
  if shown then changed(userId, 'role', role) end
end
user.lastSeen = signOf(user)
redis.call('ZADD', usersKey, user.lastSeen, userId)
redis.call(isCompact and 'SADD' or 'SREM', compactKey, connectionId)
redis.call('HSET', rolesKey, userId, role)
if cursorRole ~= '' then redis.call('HSET', epochKey, 'cursorRole', cursorRole) end
if ownState.activity then setActivity(user, ownState.activity, shown) end
if ownState.data then
  local members, changes = changeOfData(user, ownState.data)
  tellData(user, members, changes, shown)
end
local arrival = ''
if shown then
  showStatus(user)
else
  user.status = visibleStatus(user)
  joins[1] = userId
  if not agent then redis.call('ZADD', activeKey, user.lastActive, userId) end
  publish(user.status, userId)
end
-- A restore may have seated the user from the connection table just before this join. Then the arrival is not in the journal
-- yet. If the arrival is recorded already but a restored stay has ended since, the journal gets a new arrival.
local leave = not known and arrivalState ~= 'taken' and unwrittenLeaves(userId)[userId] or nil
local isNew = not known and (arrivalState ~= 'written' or (leave and leave.restored))
if isNew or (user.restored and arrivalState == 'taken') then
  arrival = appendToJournal({ userId = userId, username = username, role = role, at = user.joinedAt, came = true,
    requestedAt = tonumber(requestedAt), after = leave and leave.at or nil,
    agent = agent and { onBehalfOf = agent.onBehalfOf, keyId = agent.keyId } or nil,
    certain = not user.restored and (arrivalState == 'taken' or leave ~= nil) })
  user.restored = nil
end
writeUser(user, true)
countMessage(connectionId)
return outcome(connectionId, function()
  return { isFirst = known and 0 or 1, records = readRecords(), arrival = arrival, changedData = user.dataSizes and keptData(user) or {} }
end)
