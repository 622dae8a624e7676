-- A sweep visits the session: it ends what is overdue, takes what a dead flusher left, and computes the next deadline.
if isUnknown() then return { 'unknown' } end
if isIncomplete() then
  invalidateSession()
  return { 'unknown' }
end
changesMembers = true
expireOverdue()
local window, cursors, receivers, atOnce = windowState(), {}, {}, false
-- The sweep visits a session whose thinning has ended. Without this it would do so again.
if window.thinned > 0 and now >= window.thinned then redis.call('HDEL', windowKey, 'thinned') end
local waits = window.moving or window.changing or redis.call('EXISTS', pendingKey, changesKey) > 0
if now > window.ends + windowMillis and waits then
  cursors, atOnce, receivers = takePending(window), true, cursorReceivers()
  countCursors(cursors, receivers)
end
local paced = setRestraint(restraint)

local function nextDeadline()
  local deadline = math.huge
  local function consider(key, after)
    local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
    if first[2] then deadline = math.min(deadline, tonumber(first[2]) + after) end
  end
  consider(connectionsKey, offlineAfter)
  -- A user who is overdue in this list and still present has a hidden connection. Its deadline comes from the list of
  -- connections.
  local first = redis.call('ZRANGEBYSCORE', usersKey, string.format('(%d', now - offlineAfter - outageAllowance), '+inf',
    'WITHSCORES', 'LIMIT', 0, 1)
  if first[2] then deadline = math.min(deadline, tonumber(first[2]) + offlineAfter) end
  consider(leavingKey, 0)
  consider(activeKey, awayAfter)
  return deadline == math.huge and '' or string.format('%d', deadline)
end

return outcome('', function()
  return { nextDeadline = nextDeadline(), journal = redis.call('LRANGE', journalKey, 0, journalEntries - 1),
    lastSeen = redis.call('ZRANGE', usersKey, 0, -1, 'WITHSCORES'), roles = redis.call('HGETALL', rolesKey),
    cursors = cursors, cursorReceivers = receivers,
    moves = isMoving(windowState()) and 1 or 0, metered = takeMeter(), paced = paced,
    online = redis.call('ZCARD', activeKey),
    agents = tonumber(redis.call('HGET', epochKey, 'agents') or '0'), cursorMillis = math.floor(cursorMillis()) }
end, {}, atOnce)
