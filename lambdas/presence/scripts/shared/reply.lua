-- The reply of every script: the diff with its receivers, the window that the caller has to flush, and `extra`. A diff gets its
-- number only if somebody receives it, so that no client sees a gap. A diff too large for one frame gets several numbers.
-- `extra` holds the named values of this script's own, or is a function that computes them after everything else is written.
local function reply(receivers, promised, extra)
  local epoch, seq, cursorRole, keptAt, postedBefore = readEpoch()
  local joined, updated, bytes, parts = {}, {}, 80 * #leaves, 1
  for _, userId in ipairs(joins) do
    local text = redis.call('GET', recordPrefix .. userId)
    if text then
      joined[#joined + 1] = text
      bytes = bytes + #text + 1
    elseif hasRecentSign(userId) then
      -- Redis evicted the record of a user who joined while the change waited. Every client asks for a snapshot once the session is
      -- restored. Until then nobody may be told of a leave before this join.
      invalidateSession()
      for place = #leaves, 1, -1 do
        if leaves[place] == userId then
          table.remove(leaves, place)
          table.remove(leavers, place)
        end
      end
    end
  end
  if #joined + #updates + #leaves == 0 then receivers = {} end
  for index, update in ipairs(updates) do
    updated[index] = cjson.encode(update)
    bytes = bytes + #updated[index] + 1
  end
  if #receivers > 0 then
    parts = 1 + math.floor(bytes / diffPartBytes)
    seq = seq + parts
    posted = posted + #receivers * parts
    redis.call('HSET', epochKey, 'seq', seq, 'numberedAt', nowText)
  end
  if changesMembers then
    local people, seats, closed = countMembers()
    redis.call('HSET', epochKey, 'people', people, 'seats', seats, 'closed', closed)
  end
  local packed = packExtra(type(extra) == 'function' and extra() or extra)
  if posted > 0 then
    local onTime = spending().onTime + postsMillis(posted)
    redis.call('HSET', epochKey, 'posted', postedBefore + posted, 'postsOnTime', string.format('%d', onTime))
  end
  renewKeysWhenDue(keptAt)
  return packReply({ code = 'ok', epoch = epoch, seq = seq, parts = parts, joins = joined, updates = updated, leaves = leaves,
    causes = leavers, receivers = receivers, promised = promised, cursorRole = cursorRole,
    extra = packed })
end

-- The end of most scripts: decides whether the changes are sent now. In a large session they wait for the end of the window,
-- unless `atOnce`.
local function outcome(exceptConnection, extra, promised, atOnce)
  local receivers = {}
  promised = promised or {}
  if #joins + #updates + #leaves > 0 then
    -- Over the limit of posts, changes are merged in small sessions, too.
    local merging = not atOnce and (redis.call('ZCARD', usersKey) > mergedAbove or spending().restraint > 1 or overLimit() ~= nil)
    local window = merging and windowState()
    local isHeld = window and now < window.thinned and #joins + #leaves == 0
    if merging and (now < window.ends or isHeld) then
      storeChanges()
      if now >= window.ends then openWindow(window) end
      if #promised == 0 then promised = promise(window) end
      joins, updates, leaves, leavers = {}, {}, {}, {}
    else
      -- If cursors wait, the flusher is a little late. It sends them and opens the next window.
      if merging and (not window.moving or now < window.thinned) then openWindow(window) end
      mergeChanges()
      receivers = receiversExcept(exceptConnection)
      if onlyAboutItself(receivers) then receivers = {} end
    end
  end
  return reply(receivers, promised, extra)
end

-- Takes everything that waits: merges the stored changes, returns the cursors, and opens the next window.
local function takePending(window)
  local held = now < window.thinned
  if not held or window.urgent then mergeChanges() end
  local cursors = held and {} or takeCursors(window)
  if #cursors + #joins + #updates + #leaves > 0 then
    openWindow(window)
  elseif held then
    redis.call('HDEL', windowKey, 'flusher')
  else
    redis.call('HDEL', windowKey, 'flusher', 'moving', 'thinned')
  end
  return cursors
end
