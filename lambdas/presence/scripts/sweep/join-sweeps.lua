-- Puts a sweep on the list of running sweeps, or keeps it there. Replies with all of them, or with none if the list is full.
redis.call('ZREMRANGEBYSCORE', sweepsKey, '-inf', now - millis)
local isListed = redis.call('ZSCORE', sweepsKey, holder)
if not isListed and redis.call('ZCARD', sweepsKey) >= tonumber(most) then return {} end
redis.call('ZADD', sweepsKey, now, holder)
redis.call('PEXPIRE', sweepsKey, ttl)
return redis.call('ZRANGE', sweepsKey, 0, -1)
