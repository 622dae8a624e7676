-- Posts were throttled, so the windows of this session get longer.
if isUnknown() then return { 'unknown' } end
redis.call('HSET', windowKey, 'stretch', math.min(8, windowState().stretch * 2))
return reply({}, {}, {})
