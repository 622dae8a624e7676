-- A join gives up the slot that it asked for. A user who is present keeps it until they leave; then it ends although it was asked for
-- after that leave was sent (rule PR18).
if isUnknown() then return { 'unknown' } end
if not redis.call('ZSCORE', usersKey, userId) then return reply({}, {}, { isPresent = 0 }) end
redis.call('HSET', epochKey, 'joinedUntil:' .. userId, nowText)
return reply({}, {}, { isPresent = 1 })
