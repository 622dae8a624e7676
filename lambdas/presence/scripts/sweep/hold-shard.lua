-- Takes or renews the lease of a shard. A sweep that takes a free shard makes due what its dead holder had claimed.
local current = redis.call('GET', leaseKey)
if current and current ~= holder then return 0 end
redis.call('SET', leaseKey, holder, 'PX', millis)
if not current then
  for _, sessionId in ipairs(redis.call('ZRANGEBYSCORE', dueKey, claimedScore, '+inf')) do
    redis.call('ZADD', dueKey, now, sessionId)
  end
end
return 1
