-- Stores that cursors move in a session. Replies 1 if a sweep holds the shard.
redis.call('ZADD', movingKey, at, sessionId)
redis.call('PEXPIRE', movingKey, ttl)
return redis.call('EXISTS', leaseKey)
