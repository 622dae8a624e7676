import { beginKnownAfter, keepRarely, limitFrames, refuseTorn } from './beginnings.ts';
import { movement } from './movement.ts';

/**
 * Each of cursor, status and activity is decided by the frame with the largest number that named it (rule PR18). What an
 * older frame says of it is left out; the frame stays a sign of life. The numbers stand behind the connection's rate.
 */
const decideByOrder = `
local choiceIsLater = false
local function decideByOrder(frameOrders)
  if order == '' then return frameOrders end
  local number, last = tonumber(order), {}
  for each in string.gmatch(frameOrders, '%S+') do last[#last + 1] = tonumber(each) end
  local function decides(index, isNamed)
    last[index] = last[index] or -1
    if not isNamed then return true end
    if number < last[index] then return false end
    last[index] = number
    return true
  end
  if not decides(1, cursor ~= '') then cursor, tag = '', '' end
  if not decides(2, status ~= '') then status = '' end
  if not decides(3, activity ~= '') then activity = '' end
  choiceIsLater = number < last[2]
  return string.format(' %d %d %d', last[1], last[2], last[3])
end
`;

/** A frame of a connection: sign of life, and what it changes. `unknown` where Redis does not know the connection. */
export const touch = `${beginKnownAfter(movement)}${keepRarely}local userId, connectionId, kind, idle = argument(1), argument(2), argument(3), argument(4) == '1'
local cursor, status, activity, tag, order = argument(5), argument(6), argument(7), argument(8), argument(9)
${decideByOrder}local member = userId .. ':' .. connectionId
-- Every client sends a heartbeat now and then; its other frames need not look.
if kind == 'heartbeat' then ${refuseTorn} end
if not redis.call('ZSCORE', connectionsKey, member) then return { 'unknown' } end
local user = readUser(userId)
if not user then
  if wasHeard(userId) then giveUp() end
  return { 'unknown' }
end
${limitFrames('frameOrders = decideByOrder(frameOrders)')}
local wasHidden = user.status == 'offline'
local cursorMoved = cursor ~= '' and (recorded[userId] or cursorOf(userId)) ~= cursor
local acted = (kind == 'cursor' and cursor ~= '') or cursorMoved or activity ~= ''
-- Frames of one user may be handled by two environments and overtake each other; their stamps keep the order in which
-- they came here, or others would hold on to a cursor that was replaced.
local at = now >= user.lastActive and now or user.lastActive + 1
user.lastSeen = math.max(user.lastSeen, at)
-- Somebody who was not in the list of users: Redis lost it.
if redis.call('ZADD', usersKey, timeText(user.lastSeen), userId) == 1 then
  redis.call('ZREM', usersKey, userId)
  return { 'unknown' }
end
redis.call('ZADD', connectionsKey, nowText, member)
if acted or status ~= '' or (kind == 'heartbeat' and not idle) then user.lastActive = at end
local chosen = user.chosen
if status == 'online' then user.chosen = nil
elseif status ~= '' then user.chosen = status
elseif acted and user.chosen == 'away' and not choiceIsLater then user.chosen = nil end
if user.chosen ~= chosen then keepChosen(user) end

if activity ~= '' then
  local text = nil
  if activity ~= 'null' then text = cjson.decode(activity) end
  if text ~= user.activity then
    user.activity = text
    changed(userId, 'activity', text or cjson.null)
    publish('activity', userId, '{"activity":' .. activity .. '}')
  end
end
if cursorMoved then
  if redis.call('HSET', cursorsKey, userId, cursor) == 1 then keeps = true end
  publish('cursor', userId, '{"cursor":' .. cursor .. '}')
end
showStatus(user)
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
return outcome('', { cursors, receivers, overdue }, promised, atOnce)
`;
