-- A program renews the lease of an agent and changes what the others see of it [SA7]. Absent arguments change nothing. A lease that has
-- ended and that no sweep has seen yet goes on. Replies `unknown` if the agent is not present, or if the session has to be restored.
if isUnknown() then return { 'unknown' } end
if isIncomplete() then
  invalidateSession()
  return { 'unknown' }
end
local member = userId .. ':'
local user = seatedUser(userId, member)
if not user or not user.leaseUntil then return { 'unknown' } end
local data, dataChanges = nil, {}
if dataChange ~= '' then
  data, dataChanges = changeOfData(user, cjson.decode(dataChange))
  if not data then return { 'large' } end
end
setLease(user, leaseUntil)
redis.call('ZADD', connectionsKey, user.lastSeen, member)
redis.call('ZADD', usersKey, user.lastSeen, userId)
if username ~= '' and username ~= user.username then
  user.username = username
  changed(userId, 'username', username)
end
if onBehalfOf ~= '' and onBehalfOf ~= (user.onBehalfOf or 'null') then
  user.onBehalfOf, user.actsSince = onBehalfOf ~= 'null' and onBehalfOf or nil, user.renewedAt
  changed(userId, 'onBehalfOf', user.onBehalfOf or cjson.null)
end
if status ~= '' then
  user.chosen = status ~= 'online' and status or nil
  storeChosen(user)
end
if activity ~= '' then setActivity(user, activity, true) end
tellData(user, data, dataChanges, true)
local before = recordedCursors[userId] or cursorOf(userId) or 'null'
local cursorMoved = cursor ~= '' and cursor ~= 'null' and cursor ~= before
if cursor == 'null' and before ~= 'null' then
  forgetCursor(userId)
  changed(userId, 'cursor', cjson.null)
  changed(userId, 'lastActive', user.renewedAt)
end
if cursorMoved then redis.call('HSET', cursorsKey, userId, cursor) end
showStatus(user)
writeUser(user, true, cursorMoved and cursor or nil)

local cursors, receivers, promised, atOnce = {}, {}, {}, false
if cursorMoved and redis.call('ZCARD', connectionsKey) > 1 then
  local window = windowState()
  if window.moving and redis.call('HLEN', pendingKey) == 0 then
    startEpoch()
    user = readUser(userId)
  end
  -- The compact form sends this cursor whole, and the next one, too.
  redis.call('HDEL', tagsKey, userId)
  redis.call('HSET', pendingKey, userId, string.format('%d %d 1 %s', user.renewedAt, user.index or 0, cursor))
  if now >= window.thinned and now >= window.ends then
    cursors, atOnce, receivers = takePending(window), true, cursorReceivers()
    countCursors(cursors, receivers)
  else
    redis.call('PEXPIRE', pendingKey, keepMillis)
    if now >= window.ends then openWindow(window) end
    promised = promise(window)
    redis.call('HSET', windowKey, 'moving', window.moving and 'several' or nowText)
  end
end
return outcome('', { cursors = cursors, cursorReceivers = receivers, agentName = user.username, actsFor = user.onBehalfOf or '',
  actsSince = user.actsSince or user.renewedAt, renewedAt = user.renewedAt,
  changedData = #dataChanges > 0 and keptData(user) or {} }, promised, atOnce)
