-- A frame of a connection: a sign of life, and what it changes. Replies `unknown` if Redis does not know the connection.
if isUnknown() then return { 'unknown' } end
renewsKeys = false
-- After a pause of this length a cursor is sent again although it is equal.
local repeatMillis = 1000
local member = userId .. ':' .. connectionId
-- Every client sends heartbeats, so the other frames need no check.
if kind == 'heartbeat' and isIncomplete() then
  invalidateSession()
  return { 'unknown' }
end
local user = seatedUser(userId, member)
if not user then return { 'unknown' } end
local limited = countFrame(connectionId)
if limited then return limited end
local data, dataChanges, dataTurns = nil, {}, nil
if dataChange ~= '' then
  local change = cjson.decode(dataChange)
  if turnField ~= '' then change, dataTurns = takeDataTurn(turnField, turn, change) end
  data, dataChanges = changeOfData(user, change)
  if not data then return { 'large' } end
end
local wasHidden = user.status == 'offline'
-- If a later frame of this connection was handled before, this frame does not change what the later one changed.
local hasCursor, hasActivity, isNull = cursor ~= '', activity ~= '', cursor == 'null'
local lastCursor, lastStatus, lastActivity, lastActed
if turnField ~= '' then
  lastCursor, lastStatus, lastActivity, lastActed = readTurns(turnField)
  if turn < lastCursor then cursor = '' end
  if turn < lastActivity then activity = '' end
  if turn < lastStatus then status = ''
  -- User activity ends 'away', so the user was away only until the later frame.
  elseif status == 'away' and turn < lastActed then status = 'online' end
end
local hasStatus = status ~= ''
-- An update is always answered, a heartbeat and a cursor seldom.
if kind == 'update' then posted = posted + 1 end
-- A cursor of null removes the cursor.
local endsCursor = cursor == 'null'
if endsCursor then cursor = '' end
local cursorEnded = endsCursor and (recordedCursors[userId] or cursorOf(userId)) and true or false
-- A client repeats its cursor after a failed frame. Redis may have stored it all the same, so an equal cursor is sent, too, but only
-- after a pause.
local repeats = kind ~= 'heartbeat' and now - user.lastActive >= repeatMillis
local cursorMoved = cursor ~= '' and (repeats or (recordedCursors[userId] or cursorOf(userId)) ~= cursor)
local acted = (kind == 'cursor' and not isNull) or cursorMoved or activity ~= ''
-- Two environments may handle two frames of one user in the wrong order. The time stamps follow the order of arrival here. Otherwise
-- the others would keep a replaced cursor.
local at = now >= user.lastActive and now or user.lastActive + 1
if cursorEnded then at = math.max(now, user.lastActive + 1) end
user.lastSeen = math.max(user.lastSeen, at)
redis.call('ZADD', usersKey, timeText(user.lastSeen), userId)
if saysHidden(user, isHidden, turnField, turn) then
  redis.call('ZADD', connectionsKey, isHidden and timeText(now + math.max(0, hiddenMillis - offlineAfter)) or nowText, member)
  setHidden(user, connectionId, isHidden)
else
  redis.call('ZADD', connectionsKey, 'GT', nowText, member)
end
if acted or cursorEnded or #dataChanges > 0 or status ~= '' or (kind == 'heartbeat' and not isIdle and not isHidden) then
  user.lastActive = at
end
local chosen = user.chosen
if status == 'online' then user.chosen = nil
elseif status ~= '' then user.chosen = status
elseif acted and user.chosen == 'away' and not (turnField ~= '' and turn < lastStatus) then user.chosen = nil end
if user.chosen ~= chosen then storeChosen(user) end
if turnField ~= '' and (hasCursor or hasActivity or hasStatus or acted) then
  if hasCursor then lastCursor = math.max(lastCursor, turn) end
  if hasStatus then lastStatus = math.max(lastStatus, turn) end
  if hasActivity then lastActivity = math.max(lastActivity, turn) end
  if acted then lastActed = math.max(lastActed, turn) end
  if writeTurns(turnField, lastCursor, lastStatus, lastActivity, lastActed) then renewsKeys = true end
end

if activity ~= '' then setActivity(user, activity, true) end
if cursorMoved then
  if redis.call('HSET', cursorsKey, userId, cursor) == 1 then renewsKeys = true end
  if publishesCursors then publish('cursor', userId, '{"cursor":' .. cursor .. '}') end
end
if dataTurns then writeDataTurns(turnField, dataTurns) end
tellData(user, data, dataChanges, true)
if cursorEnded then
  forgetCursor(userId)
  user.cursorEndUnsent = true
  if publishesCursors then publish('cursor', userId, '{"cursor":null}') end
end
showStatus(user)
-- The cursor of an invisible user is not sent. Its end is sent as soon as the user becomes visible.
if user.cursorEndUnsent and user.status ~= 'offline' then
  user.cursorEndUnsent = nil
  if cursor == '' then
    changed(userId, 'cursor', cjson.null)
    changed(userId, 'lastActive', at)
  end
end
writeUser(user, true, cursor ~= '' and cursor or nil)

local cursors, receivers, promised, atOnce = {}, {}, {}, false
local connections = redis.call('ZCARD', connectionsKey)
local isUnseen = not cursorMoved and redis.call('HDEL', windowKey, 'unseen:' .. userId) == 1
-- The cursor of an invisible user is shown as soon as they become visible. A cursor whose posts failed is sent again.
if (wasHidden or isUnseen) and user.status ~= 'offline' and not cursorMoved then
  cursor, at = cursorOf(userId) or '', user.lastActive
  cursorMoved = cursor ~= ''
  redis.call('HDEL', tagsKey, userId)
  tag = ''
end
-- A socket of the user that ended moments ago still counts as a connection, but receives nothing.
if cursorMoved and user.status ~= 'offline' and (connections > user.connections or isOtherConnected(userId)) then
  -- The compact form sends the whole cursor if more than its numbers changed since the last sent one, or if a waiting one needs it.
  local window, waiting = windowState(), redis.call('HLEN', pendingKey)
  if window.moving and waiting == 0 then
    startEpoch()
    user = readUser(userId)
  end
  local before = redis.call('HGET', pendingKey, userId)
  local sameTag = redis.call('HGET', tagsKey, userId) == tag
  local whole = not sameTag or (before and string.match(before, '^%d+ %d+ (%d)') == '1')
  if not sameTag and redis.call('HSET', tagsKey, userId, tag) == 1 then renewsKeys = true end
  waiting = waiting + redis.call('HSET', pendingKey, userId,
    string.format('%d %d %d %s', at, user.index or 0, whole and 1 or 0, cursor))
  -- A window of the usual length ends earlier if many updates wait. One that keeps the limit of posts does not.
  local isFull = waiting >= math.max(batchMax, connections) and cursorMillis() <= windowMillis
  if now >= window.thinned and (now >= window.ends or isFull) then
    cursors, atOnce, receivers = takePending(window), true, cursorReceivers()
    countCursors(cursors, receivers)
  else
    if waiting == 1 then redis.call('PEXPIRE', pendingKey, keepMillis) end
    if now >= window.ends then openWindow(window) end
    promised = promise(window)
    if not window.moving then redis.call('HSET', windowKey, 'moving', nowText)
    elseif window.moving ~= 'several' then redis.call('HSET', windowKey, 'moving', 'several') end
  end
end
local overdue = #redis.call('ZRANGEBYSCORE', connectionsKey, '-inf', timeText(now - offlineAfter), 'LIMIT', '0', '1') +
  #redis.call('ZRANGEBYSCORE', leavingKey, '-inf', nowText, 'LIMIT', '0', '1')
local numberedAt = kind == 'heartbeat' and redis.call('HGET', epochKey, 'numberedAt') or '0'
return outcome('', { cursors = cursors, cursorReceivers = receivers, overdue = overdue, chosenAt = hasStatus and at or 0,
  numberedAt = numberedAt,
  changedData = #dataChanges > 0 and keptData(user) or {} }, promised,
  atOnce)
