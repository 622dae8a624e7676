import { keptFor, renewKeys } from './names.ts';
import { ahead, spacing } from './rate.ts';

/**
 * The short way of a frame that does no more than move a cursor while other cursors wait for the end of an open window:
 * in a busy room nearly all are such. It leaves in Redis what the general way would leave, and answers the same. To make
 * the functions that all other cases need is a sixth of the general way's time.
 *
 * It reads first: whatever is not as it expects is left, untouched, to the general way behind it.
 */
export const movement = `
local function moveCursor(userId, connectionId, cursor, tag, field, turn)
  local session = redis.call('HMGET', epochKey, 'epoch', 'seq', 'cursorRole', 'keptAt')
  if not session[1] or now - tonumber(session[4] or '0') >= ${keptFor} then return nil end
  local window = redis.call('HMGET', windowKey, 'ends', 'flusher', 'moving')
  if not window[2] or window[3] ~= 'several' or now >= tonumber(window[1]) then return nil end
  local waiting, connections = redis.call('HLEN', pendingKey), redis.call('ZCARD', connectionsKey)
  if waiting == 0 or waiting + 1 >= math.max(batchMax, connections) then return nil end
  if redis.call('HGET', tagsKey, userId) ~= tag then return nil end
  local member = userId .. ':' .. connectionId
  if not redis.call('ZSCORE', connectionsKey, member) then return nil end
  local onTime = redis.call('HGET', ratesKey, connectionId)
  if not onTime or tonumber(onTime) - now > ${ahead} then return nil end
  local lastCursor, lastStatus, lastActivity, lastActed
  if field ~= '' then
    lastCursor, lastStatus, lastActivity, lastActed = readTurns(field)
    if turn < lastCursor then return nil end
  end
  local text = redis.call('GET', recordPrefix .. userId)
  if not text then return nil end
  local user, data, before = parseRecord(text)
  if not before or before == cursor then return nil end
  if user.status ~= 'online' or connections <= user.connections then return nil end

  local keeps = false
  local at = now >= user.lastActive and now or user.lastActive + 1
  user.lastActive, user.lastSeen = at, math.max(user.lastSeen, at)
  local seenText = user.lastSeen == now and nowText or string.format('%d', user.lastSeen)
  local atText = at == now and nowText or string.format('%d', at)
  if redis.call('ZADD', usersKey, seenText, userId) == 1 then
    redis.call('ZREM', usersKey, userId)
    return { 'unknown' }
  end
  redis.call('HSET', ratesKey, connectionId, math.max(now, tonumber(onTime)) + ${spacing})
  redis.call('ZADD', connectionsKey, nowText, member)
  if field ~= '' and writeTurns(field, turn, lastStatus, lastActivity, math.max(lastActed, turn)) then keeps = true end
  if redis.call('HSET', cursorsKey, userId, cursor) == 1 then keeps = true end
  redis.call('PUBLISH', channel, '{"type":"cursor","sessionId":"' .. sessionId .. '","userId":"' .. userId ..
    '","timestamp":' .. nowText .. ',"data":{"cursor":' .. cursor .. '}}')
  if redis.call('ZADD', activeKey, atText, userId) == 1 then keeps = true end
  redis.call('SET', recordPrefix .. userId, encodeRecord(user, data, cursor), 'PX', ARGV[5])
  local waits = redis.call('HGET', pendingKey, userId)
  local whole = waits and string.match(waits, '^%d+ %d+ (%d)') or '0'
  redis.call('HSET', pendingKey, userId, atText .. ' ' .. (user.index or 0) .. ' ' .. whole .. ' ' .. cursor)
  if keeps then
    ${renewKeys}
  end
  local overdue = #redis.call('ZRANGEBYSCORE', connectionsKey, '-inf', string.format('%d', now - offlineAfter), 'LIMIT', '0', '1') +
    #redis.call('ZRANGEBYSCORE', leavingKey, '-inf', nowText, 'LIMIT', '0', '1')
  local none = {}
  return { 'ok', session[1], tonumber(session[2]), 1, none, none, none, none, none, none, { none, none, overdue, 0, none },
    session[3] or '' }
end

if ARGV[14] == 'cursor' and ARGV[13] ~= '' and ARGV[16] ~= 'null' then
  local moved = moveCursor(ARGV[12], ARGV[13], ARGV[16], ARGV[19], ARGV[20], tonumber(ARGV[21]))
  if moved then return moved end
end
`;
