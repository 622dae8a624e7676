-- Posts failed. If they were throttled, the windows of this session get longer. A failed cursor is not posted again (rule DE6), but the
-- next frame of its user sends it.
if isUnknown() then return { 'unknown' } end
-- Redis evicted the window, and what waited may be lost with it, so every client asks for a snapshot.
if redis.call('EXISTS', windowKey) == 0 then startEpoch() end
if isThrottled then redis.call('HSET', windowKey, 'stretch', math.min(8, windowState().stretch * 2)) end
for _, userId in ipairs(cjson.decode(movers)) do redis.call('HSET', windowKey, 'unseen:' .. userId, 1) end
return reply({}, {}, {})
