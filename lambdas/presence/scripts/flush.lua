-- The flusher of a window sends what waits. Another caller may have sent it meanwhile.
if isUnknown() then return { 'unknown' } end
renewsKeys = false
local window = windowState()
-- Redis evicted the window, and what waited may be lost with it, so every client asks for a snapshot.
if redis.call('EXISTS', windowKey) == 0 then startEpoch() end
if window.flusher ~= endsAt then return reply({}, {}, { cursors = {}, cursorReceivers = {} }) end
local cursors, receivers = takePending(window), cursorReceivers()
countCursors(cursors, receivers)
return outcome('', { cursors = cursors, cursorReceivers = receivers }, {}, true)
