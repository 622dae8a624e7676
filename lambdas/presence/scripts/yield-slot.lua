-- A join gives back the slot that it asked for. A user who is present keeps the slot until they leave. Then the slot ends, although it was
-- asked for after that leave was sent (rule PR18).
if isUnknown() then return { 'unknown' } end
if not redis.call('ZSCORE', usersKey, userId) then return reply({}, {}, { isPresent = 0 }) end
redis.call('HSET', epochKey, 'joinedUntil:' .. userId, nowText)
return reply({}, {}, { isPresent = 1 })
