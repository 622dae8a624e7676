import { beginKnownAfter, keepRarely, limitFrames, refuseTorn } from './beginnings.ts';
import { movement } from './movement.ts';

/** A frame of a connection: sign of life, and what it changes. `unknown` where Redis does not know the connection. */
export const touch = `${beginKnownAfter(movement)}${keepRarely}local userId, connectionId, kind, idle = argument(1), argument(2), argument(3), argument(4) == '1'
local cursor, status, activity, tag = argument(5), argument(6), argument(7), argument(8)
local field, turn = argument(9), tonumber(argument(10))
local dataChange = argument(11)
local member = userId .. ':' .. connectionId
-- Every client sends a heartbeat now and then; its other frames need not look.
if kind == 'heartbeat' then ${refuseTorn} end
if not redis.call('ZSCORE', connectionsKey, member) then return { 'unknown' } end
local user = readUser(userId)
if not user then
  if wasHeard(userId) then giveUp() end
  return { 'unknown' }
end
-- Somebody who is not in the list of users: Redis lost it. The frame is sent again and must not count twice.
if not redis.call('ZSCORE', usersKey, userId) then return { 'unknown' } end
${limitFrames}
local data, dataChanges, dataTurns = nil, {}, nil
if dataChange ~= '' then
  local change = cjson.decode(dataChange)
  if field ~= '' then change, dataTurns = takeDataTurn(field, turn, change) end
  data, dataChanges = changeOfData(user, change)
  if not data then return { 'large' } end
end
local wasHidden = user.status == 'offline'
-- What a later frame of this connection decided stays as it is.
local isTold, isText, isNull = cursor ~= '', activity ~= '', cursor == 'null'
local lastCursor, lastStatus, lastActivity, lastActed
if field ~= '' then
  lastCursor, lastStatus, lastActivity, lastActed = readTurns(field)
  if turn < lastCursor then cursor = '' end
  if turn < lastActivity then activity = '' end
  if turn < lastStatus then status = ''
  -- User activity ends 'away', so the user was away until the later frame.
  elseif status == 'away' and turn < lastActed then status = 'online' end
end
local isStatus = status ~= ''
-- A cursor of null takes the one there is away.
local endsCursor = cursor == 'null'
if endsCursor then cursor = '' end
local cursorEnded = endsCursor and (recorded[userId] or cursorOf(userId)) and true or false
local cursorMoved = cursor ~= '' and (recorded[userId] or cursorOf(userId)) ~= cursor
local acted = (kind == 'cursor' and not isNull) or cursorMoved or activity ~= ''
-- Frames of one user may be handled by two environments and overtake each other; their stamps keep the order in which
-- they came here, or others would hold on to a cursor that was replaced.
local at = now >= user.lastActive and now or user.lastActive + 1
if cursorEnded then at = math.max(now, user.lastActive + 1) end
user.lastSeen = math.max(user.lastSeen, at)
redis.call('ZADD', usersKey, timeText(user.lastSeen), userId)
redis.call('ZADD', connectionsKey, nowText, member)
if acted or cursorEnded or #dataChanges > 0 or status ~= '' or (kind == 'heartbeat' and not idle) then user.lastActive = at end
local chosen = user.chosen
if status == 'online' then user.chosen = nil
elseif status ~= '' then user.chosen = status
elseif acted and user.chosen == 'away' and not (field ~= '' and turn < lastStatus) then user.chosen = nil end
if user.chosen ~= chosen then keepChosen(user) end
if field ~= '' and (isTold or isText or isStatus or acted) then
  if isTold then lastCursor = math.max(lastCursor, turn) end
  if isStatus then lastStatus = math.max(lastStatus, turn) end
  if isText then lastActivity = math.max(lastActivity, turn) end
  if acted then lastActed = math.max(lastActed, turn) end
  if writeTurns(field, lastCursor, lastStatus, lastActivity, lastActed) then keeps = true end
end

if activity ~= '' then sayActivity(user, activity, true) end
if cursorMoved then
  if redis.call('HSET', cursorsKey, userId, cursor) == 1 then keeps = true end
  publish('cursor', userId, '{"cursor":' .. cursor .. '}')
end
if dataTurns then writeDataTurns(field, dataTurns) end
tellData(user, data, dataChanges, true)
if cursorEnded then
  forgetCursor(userId)
  user.unpointed = true
  publish('cursor', userId, '{"cursor":null}')
end
showStatus(user)
-- Others do not hear what an invisible user points at; they hear of the end once the user is seen again.
if user.unpointed and user.status ~= 'offline' then
  user.unpointed = nil
  if cursor == '' then
    changed(userId, 'cursor', cjson.null)
    changed(userId, 'lastActive', at)
  end
end
writeUser(user, true, cursor ~= '' and cursor or nil)

local cursors, receivers, promised, atOnce = {}, {}, {}, false
local connections = redis.call('ZCARD', connectionsKey)
-- Where an invisible user pointed is shown once they can be seen again.
if wasHidden and user.status ~= 'offline' and not cursorMoved then
  cursor = cursorOf(userId) or ''
  cursorMoved = cursor ~= ''
  redis.call('HDEL', tagsKey, userId)
  tag = ''
end
-- A socket of the user that ended moments ago is counted for them, but receives nothing.
if cursorMoved and user.status ~= 'offline' and (connections > user.connections or isHeardByOthers(userId)) then
  -- Whole where more than its numbers changed since the last one that went out, or one that was to go out whole waits.
  local window, waiting = windowState(), redis.call('HLEN', pendingKey)
  if window.moving and waiting == 0 then
    beginEpoch()
    user = readUser(userId)
  end
  local before = redis.call('HGET', pendingKey, userId)
  local sameTag = redis.call('HGET', tagsKey, userId) == tag
  local whole = not sameTag or (before and string.match(before, '^%d+ %d+ (%d)') == '1')
  if not sameTag and redis.call('HSET', tagsKey, userId, tag) == 1 then keeps = true end
  waiting = waiting + redis.call('HSET', pendingKey, userId,
    string.format('%d %d %d %s', at, user.index or 0, whole and 1 or 0, cursor))
  if now >= window.ends or waiting >= math.max(batchMax, connections) then
    cursors, atOnce, receivers = takeAll(window), true, cursorReceivers()
  else
    if waiting == 1 then redis.call('PEXPIRE', pendingKey, keepMillis) end
    promised = promise(window)
    if not window.moving then redis.call('HSET', windowKey, 'moving', nowText)
    elseif window.moving ~= 'several' then redis.call('HSET', windowKey, 'moving', 'several') end
  end
end
local overdue = #redis.call('ZRANGEBYSCORE', connectionsKey, '-inf', timeText(now - offlineAfter), 'LIMIT', '0', '1') +
  #redis.call('ZRANGEBYSCORE', leavingKey, '-inf', nowText, 'LIMIT', '0', '1')
return outcome('', { cursors, receivers, overdue, isStatus and at or 0, #dataChanges > 0 and keptData(user) or {} }, promised,
  atOnce)
`;
