-- Counts a message that is not about presence.
local nextOnTime, wait = countOne(redis.call('GET', KEYS[1]), tonumber(ARGV[1]))
if not nextOnTime then return { 'limited', wait } end
redis.call('SET', KEYS[1], nextOnTime, 'PX', 10000)
return { 'ok', 0 }
