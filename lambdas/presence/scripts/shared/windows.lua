-- How changes are collected before they are sent (rules DE2-DE4). The first frame after a quiet time is sent at once and opens a
-- window. What comes while the window is open waits for its end, and the caller whose change is the first to wait becomes the
-- flusher of the window. If that invocation dies, the next frame after the end of the window sends everything. If no frame comes,
-- the sweep does it, which watches the windows of a session while something moves there.
--
-- The hash `window` holds: `ends` (Unix milliseconds), `flusher` (the end of the window that a caller promised to flush), `stretch`
-- (a factor that throttled posts raise), `watched` (until when the sweep watches the session), `moving` (whether cursors wait),
-- `changing` (how many changes wait), `urgent` (whether a join or leave waits), `thinned` (see `openWindow`) and `unseen:<user>` (the
-- cursor of the user did not reach every receiver). If cursors or changes do not wait although the hash says so, Redis evicted them.

-- In a session of more than this many users presence diffs are merged, too (rule DE4).
local mergedAbove = 50
local longestWindow = 1000
-- Cursors and changed fields wait for at most this time (rule CO4).
local longestThinning = 30000
-- The sweep is told at most once in this time that something moves here.
local watchMillis = 10000
-- The sweep stops watching after this time without a change.
local stillMillis = 2000

local function windowState()
  local found = redis.call('HMGET', windowKey, 'ends', 'flusher', 'stretch', 'watched', 'moving', 'changing', 'urgent',
    'thinned')
  return { ends = tonumber(found[1] or '0'), flusher = found[2], stretch = tonumber(found[3] or '1'),
    watched = tonumber(found[4] or '0'), moving = found[5], changing = found[6], urgent = found[7],
    thinned = tonumber(found[8] or '0') }
end

-- Whether the sweep has to watch the windows of this session.
local function isMoving(window)
  return window.ends > now - stillMillis or window.flusher or window.moving or window.changing
end

-- How far apart the posts of cursors have to be, so that the session keeps its limit (rule CO4).
local function cursorMillis()
  local apart = math.max(windowMillis * spending().restraint, postsMillis(redis.call('ZCARD', connectionsKey)))
  return math.min(longestThinning, apart)
end

-- A window is at most a second long, so that joins and leaves wait no longer. If the limit of posts asks for more, cursors and changed
-- fields are thinned out: they wait until `thinned`, while joins and leaves are sent at the end of each window.
local function openWindow(window)
  local apart, longest = cursorMillis(), math.max(longestWindow, windowMillis)
  local length = math.floor(math.min(apart * window.stretch, longest))
  local held = now < window.thinned
  -- After a late flush the next window begins at the end of the flushed one. Otherwise a user who moves at a steady rate would
  -- wait longer each time.
  local late = now - window.ends
  local from = now
  if window.flusher then
    if late >= 0 and late < length / 2 then from = window.ends end
    -- If a single update waited, the user moves no faster than the windows. The windows then begin a little earlier each time, until
    -- the updates meet no open window.
    local alone = tonumber(window.moving or nil)
    if alone and from == window.ends then from = math.max(from - math.floor(length / 4), alone) end
  elseif late >= 0 and late < length then
    -- A user who moves at the rate of the windows is sometimes a little early. So the next window may begin earlier, by the lateness
    -- of this update and up to a quarter of the window.
    from = math.max(window.ends, now - math.floor(length / 4))
  end
  window.ends = from + length
  window.flusher = false
  -- After throttling the windows return to their length over about twenty windows.
  window.stretch = math.max(1, window.stretch * 0.9)
  redis.call('HSET', windowKey, 'ends', window.ends, 'stretch', window.stretch)
  redis.call('PEXPIRE', windowKey, keepMillis)
  if held then
    redis.call('HDEL', windowKey, 'flusher')
  else
    redis.call('HDEL', windowKey, 'flusher', 'moving')
    if apart > longest then redis.call('HSET', windowKey, 'thinned', math.floor(now + apart))
    elseif window.thinned > 0 then redis.call('HDEL', windowKey, 'thinned') end
  end
end

-- If something waits and the window has no flusher, the caller becomes the flusher. Returns the end of the window and 1 if the
-- caller has to tell the sweep; returns nothing if there is a flusher.
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
  if window.moving and #cursors == 0 then startEpoch() end
  return cursors
end
