-- The fast path for a frame that only moves a cursor while other cursors wait for the end of an open window: nearly all frames of a
-- busy session. It leaves in Redis what the general path would leave, and replies the same, but creates none of the functions of
-- the general path. If anything is not as it expects, it changes nothing and leaves the frame to the general path.
local function moveCursor(userId, connectionId, cursor, tag, turnField, turn)
  local session = redis.call('HMGET', epochKey, 'epoch', 'seq', 'cursorRole', 'keptAt')
  if not session[1] or now - tonumber(session[4] or '0') >= renewInterval then return nil end
  local window = redis.call('HMGET', windowKey, 'ends', 'flusher', 'moving')
  if not window[2] or window[3] ~= 'several' or now >= tonumber(window[1]) then return nil end
  local waiting, connections = redis.call('HLEN', pendingKey), redis.call('ZCARD', connectionsKey)
  if waiting == 0 or waiting + 1 >= math.max(batchMax, connections) then return nil end
  if redis.call('HGET', tagsKey, userId) ~= tag then return nil end
  local member = userId .. ':' .. connectionId
  if not redis.call('ZSCORE', connectionsKey, member) then return nil end
  local rates = redis.call('HMGET', ratesKey, connectionId, receivedField)
  local nextOnTime = rates[1] and rates[2] and countOne(rates[1], now)
  if not nextOnTime then return nil end
  local lastCursor, lastStatus, lastActivity, lastActed
  if turnField ~= '' then
    lastCursor, lastStatus, lastActivity, lastActed = readTurns(turnField)
    if turn < lastCursor then return nil end
  end
  local text = redis.call('GET', recordPrefix .. userId)
  if not text then return nil end
  local user, data, before = parseRecord(text)
  if not before or before == cursor then return nil end
  if user.status ~= 'online' or user.hidden or connections <= user.connections then return nil end

  local createsKey = false
  local at = now >= user.lastActive and now or user.lastActive + 1
  user.lastActive, user.lastSeen = at, math.max(user.lastSeen, at)
  local seenText = user.lastSeen == now and nowText or string.format('%d', user.lastSeen)
  local atText = at == now and nowText or string.format('%d', at)
  if redis.call('ZADD', usersKey, seenText, userId) == 1 then
    redis.call('ZREM', usersKey, userId)
    return { 'unknown' }
  end
  redis.call('HSET', ratesKey, connectionId, nextOnTime, receivedField, tonumber(rates[2]) + 1)
  redis.call('ZADD', connectionsKey, nowText, member)
  if turnField ~= '' and writeTurns(turnField, turn, lastStatus, lastActivity, math.max(lastActed, turn)) then createsKey = true end
  if redis.call('HSET', cursorsKey, userId, cursor) == 1 then createsKey = true end
  if publishesCursors then
    redis.call('PUBLISH', channel, '{"type":"cursor","sessionId":"' .. sessionId .. '","userId":"' .. userId ..
      '","timestamp":' .. nowText .. ',"data":{"cursor":' .. cursor .. '}}')
  end
  if redis.call('ZADD', activeKey, atText, userId) == 1 then createsKey = true end
  writeRecord(userId, encodeRecord(user, data, cursor))
  local waits = redis.call('HGET', pendingKey, userId)
  local whole = waits and string.match(waits, '^%d+ %d+ (%d)') or '0'
  redis.call('HSET', pendingKey, userId, atText .. ' ' .. (user.index or 0) .. ' ' .. whole .. ' ' .. cursor)
  if createsKey then renewKeys() end
  local overdue = #redis.call('ZRANGEBYSCORE', connectionsKey, '-inf', string.format('%d', now - offlineAfter), 'LIMIT', '0', '1') +
    #redis.call('ZRANGEBYSCORE', leavingKey, '-inf', nowText, 'LIMIT', '0', '1')
  local none = {}
  return packReply({ code = 'ok', epoch = session[1], seq = tonumber(session[2]), parts = 1, joins = none, updates = none,
    leaves = none, causes = none, receivers = none, promised = none, cursorRole = session[3] or '',
    extra = packExtra({ cursors = none, cursorReceivers = none, overdue = overdue, chosenAt = 0, numberedAt = '0', changedData = none }) })
end

if kind == 'cursor' and connectionId ~= '' and cursor ~= 'null' then
  local moved = moveCursor(userId, connectionId, cursor, tag, turnField, turn)
  if moved then return moved end
end
