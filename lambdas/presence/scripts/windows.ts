import { limits } from '../../../protocol/limits.ts';

/**
 * How changes are gathered before they go out (rules DE2-DE4). A window opens with the first frame after a quiet time,
 * which goes out at once; whatever comes while it is open waits for its end, and the first one to wait becomes the
 * window's flusher. If that invocation dies, the next frame after the window's end takes everything along, and where none
 * comes, the sweep does, which watches the windows of a session while something moves there.
 *
 * `window` holds: `ends` (ms), `flusher` (the end of the window somebody promised to flush), `stretch` (a factor that
 * throttled posts raise), `watched` (until when the sweep looks after the session), `moving` (whether cursors wait) and
 * `changing` (how many changes do): where they do not, although they should, Redis evicted them.
 */
export const windows = `
-- In a room beyond this many members presence diffs are merged, too (rule DE4).
local mergedAbove = 50
-- One room may cost this many posts a second; a larger one gets longer windows.
local postsPerSecond = 2000
local longestWindow = 1000
-- What of a frame of 32 KB is left for members.
local partBytes = ${limits.diffPartBytes}
-- For so long nobody tells the sweep anew that something moves here; without news for so long it stops watching.
local watchMillis = 10000
local stillMillis = 2000

local function windowState()
  local found = redis.call('HMGET', windowKey, 'ends', 'flusher', 'stretch', 'watched', 'moving', 'changing')
  return { ends = tonumber(found[1] or '0'), flusher = found[2], stretch = tonumber(found[3] or '1'),
    watched = tonumber(found[4] or '0'), moving = found[5], changing = found[6] }
end

-- Whether the sweep has to watch the windows of this session.
local function isMoving(window)
  return window.ends > now - stillMillis or window.flusher or window.moving or window.changing
end

local function openWindow(window)
  local members = redis.call('ZCARD', connectionsKey)
  local length = math.max(windowMillis, 1000 * members / postsPerSecond) * window.stretch
  length = math.floor(math.min(length, math.max(longestWindow, windowMillis)))
  -- The window after a flush that was a little late begins where the flushed one ended. Otherwise each would be later than
  -- the one before, and somebody who moves at a steady pace would wait longer every time.
  local late = now - window.ends
  local from = now
  if window.flusher then
    if late >= 0 and late < length / 2 then from = window.ends end
    -- Whose one update was all that waited moves no faster than the windows: theirs come a little sooner each time, until
    -- the updates meet no open window any more.
    local alone = tonumber(window.moving or nil)
    if alone and from == window.ends then from = math.max(from - math.floor(length / 4), alone) end
  elseif late >= 0 and late < length then
    -- Whoever moves at the pace of the windows comes sometimes a little sooner: what the last one came later than its window
    -- is left to the next one, up to a quarter.
    from = math.max(window.ends, now - math.floor(length / 4))
  end
  window.ends = from + length
  window.flusher = false
  -- Throttling passes; the windows come back to their length over some twenty of them.
  window.stretch = math.max(1, window.stretch * 0.9)
  redis.call('HSET', windowKey, 'ends', window.ends, 'stretch', window.stretch)
  redis.call('PEXPIRE', windowKey, keepMillis)
  redis.call('HDEL', windowKey, 'flusher', 'moving')
end

-- Where something waits and nobody has promised to send it, the caller is asked to: \`{ end of window, watch? }\`.
local function promise(window)
  if window.flusher then return {} end
  local watch = window.watched < now and 1 or 0
  redis.call('HSET', windowKey, 'flusher', window.ends)
  if watch == 1 then redis.call('HSET', windowKey, 'watched', now + watchMillis) end
  return { window.ends, watch }
end

local function takeCursors(window)
  local cursors = redis.call('HGETALL', pendingKey)
  redis.call('DEL', pendingKey)
  if window.moving and #cursors == 0 then beginEpoch() end
  return cursors
end

-- Whether the only receiver would hear of nothing but itself: then nothing is numbered and nothing is sent.
local function onlyAboutItself(receivers)
  if #receivers ~= 1 or #leaves > 0 then return false end
  local receiver = splitMember(receivers[1])
  for _, userId in ipairs(joins) do if userId ~= receiver then return false end end
  for _, update in ipairs(updates) do if update.userId ~= receiver then return false end end
  return true
end

local function storeChanges()
  keeps = true
  redis.call('HINCRBY', windowKey, 'changing', #leaves + #joins + #updates)
  for index, userId in ipairs(leaves) do
    redis.call('RPUSH', changesKey, cjson.encode({ leave = userId, cause = leavers[index] }))
  end
  for _, userId in ipairs(joins) do redis.call('RPUSH', changesKey, cjson.encode({ join = userId })) end
  for _, update in ipairs(updates) do redis.call('RPUSH', changesKey, cjson.encode({ update = update })) end
end

-- What waited and what was just found, reduced to what it comes to per user: a leave comes before a join, and whoever
-- came and went meanwhile only leaves.
local function mergeChanges()
  local waiting = tonumber(redis.call('HGET', windowKey, 'changing') or '0')
  local stored = redis.call('LRANGE', changesKey, 0, -1)
  if #stored < waiting then beginEpoch() end
  if #stored == 0 then
    if waiting > 0 then redis.call('HDEL', windowKey, 'changing') end
    return
  end
  storeChanges()
  stored = redis.call('LRANGE', changesKey, 0, -1)
  redis.call('DEL', changesKey)
  redis.call('HDEL', windowKey, 'changing')
  local order, states = {}, {}
  for _, text in ipairs(stored) do
    local change = cjson.decode(text)
    local userId = change.join or change.leave or change.update.userId
    if not states[userId] then
      order[#order + 1] = userId
      states[userId] = {}
    end
    local state = states[userId]
    if change.leave then
      states[userId] = { cause = change.cause }
    elseif change.join then
      state.joined = true
    elseif not state.joined then
      state.update = state.update or { userId = userId }
      for field, value in pairs(change.update) do
        if field == 'data' then value = withChanges(state.update.data or {}, value) end
        state.update[field] = value
      end
    end
  end
  joins, updates, leaves, leavers = {}, {}, {}, {}
  for _, userId in ipairs(order) do
    local state = states[userId]
    if state.cause then
      leaves[#leaves + 1] = userId
      leavers[#leavers + 1] = state.cause
    end
    if state.joined then joins[#joins + 1] = userId elseif state.update then updates[#updates + 1] = state.update end
  end
end

-- Who may see cursors, where the session shows them from some role up (rule DE9); \`:c\` marks the compact form.
local function cursorReceivers()
  local least = redis.call('HGET', epochKey, 'cursorRole')
  local roles, allowed, compact = least and roleRanks(), {}, {}
  for _, connectionId in ipairs(redis.call('SMEMBERS', compactKey)) do compact[connectionId] = true end
  for _, member in ipairs(receiversExcept('')) do
    local userId, connectionId = splitMember(member)
    if not least or (roles[userId] or 0) >= roleRank[least] then
      allowed[#allowed + 1] = compact[connectionId] and member .. ':c' or member
    end
  end
  return allowed
end

-- The answer of every script: the diff with its receivers, what the caller promised to flush, and \`extra\`. A diff gets
-- its number only if somebody receives it, so nobody sees a gap; one too large for a frame gets several numbers.
local function reply(receivers, promised, extra)
  local epoch, seq, cursorRole, keptAt = readEpoch()
  local joined, updated, bytes, parts = {}, {}, 80 * #leaves, 1
  for _, userId in ipairs(joins) do
    local text = redis.call('GET', recordPrefix .. userId)
    if text then
      joined[#joined + 1] = text
      bytes = bytes + #text + 1
    end
  end
  for index, update in ipairs(updates) do
    updated[index] = cjson.encode(update)
    bytes = bytes + #updated[index] + 1
  end
  if #receivers > 0 then
    parts = 1 + math.floor(bytes / partBytes)
    seq = redis.call('HINCRBY', epochKey, 'seq', parts)
  end
  if reseats then
    local people, seats, closed = countSeats()
    redis.call('HSET', epochKey, 'people', people, 'seats', seats, 'closed', closed)
  end
  keepKeys(keptAt)
  return { 'ok', epoch, seq, parts, joined, updated, leaves, leavers, receivers, promised, extra, cursorRole }
end

-- What most scripts end with. Above fifty members a diff waits for the window, unless \`atOnce\`.
local function outcome(exceptConnection, extra, promised, atOnce)
  local receivers = {}
  promised = promised or {}
  if #joins + #updates + #leaves > 0 then
    local merging = redis.call('ZCARD', usersKey) > mergedAbove and not atOnce
    local window = merging and windowState()
    if merging and now < window.ends then
      storeChanges()
      if #promised == 0 then promised = promise(window) end
      joins, updates, leaves, leavers = {}, {}, {}, {}
    else
      if merging then openWindow(window) end
      mergeChanges()
      receivers = receiversExcept(exceptConnection)
      if onlyAboutItself(receivers) then receivers = {} end
    end
  end
  return reply(receivers, promised, extra)
end

-- Takes everything that waits, the cursors and the merged diff, and opens the next window.
local function takeAll(window)
  mergeChanges()
  local cursors = takeCursors(window)
  if #cursors + #joins + #updates + #leaves > 0 then
    openWindow(window)
  else
    redis.call('HDEL', windowKey, 'flusher', 'moving')
  end
  return cursors
end
`;
