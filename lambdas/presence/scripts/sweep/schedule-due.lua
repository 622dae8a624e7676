-- Notes a deadline unless an earlier one is there. Replies 1 if a sweep holds the shard.
redis.call('ZADD', dueKey, 'LT', deadline, sessionId)
redis.call('PEXPIRE', dueKey, ttl)
return redis.call('EXISTS', leaseKey)
