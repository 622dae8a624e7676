-- Removes a session in which no cursor moves any more, unless it was stored again meanwhile.
if tonumber(redis.call('ZSCORE', movingKey, sessionId) or '') ~= tonumber(at) then return 0 end
return redis.call('ZREM', movingKey, sessionId)
