-- Claims due sessions, the longest due first, for the sweep that holds the shard. Any other sweep gets none.
local claimed = {}
if redis.call('GET', leaseKey) ~= holder then return claimed end
for _, sessionId in ipairs(redis.call('ZRANGEBYSCORE', dueKey, '-inf', now, 'LIMIT', 0, limit)) do
  redis.call('ZADD', dueKey, claimedScore, sessionId)
  claimed[#claimed + 1] = sessionId
end
return claimed
