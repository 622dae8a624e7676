-- Stores a deadline, unless the session has an earlier one. Replies 1 if a sweep holds the shard.
redis.call('ZADD', dueKey, 'LT', deadline, sessionId)
redis.call('PEXPIRE', dueKey, ttl)
return redis.call('EXISTS', leaseKey)
