-- A frame about something else: the connection is alive, and the others see no change.
if isUnknown() then return { 'unknown' } end
renewsKeys = false
local member = userId .. ':' .. connectionId
if not redis.call('ZSCORE', connectionsKey, member) then return { 'unknown' } end
if not redis.call('ZSCORE', usersKey, userId) then return { 'unknown' } end
local user = readUser(userId)
if not user then return { 'unknown' } end
user.lastSeen = math.max(user.lastSeen, now)
redis.call('ZADD', usersKey, timeText(user.lastSeen), userId)
-- A hidden connection stays hidden.
redis.call('ZADD', connectionsKey, 'GT', nowText, member)
writeUser(user, true)
countMessage(connectionId)
return reply({}, {}, {})
