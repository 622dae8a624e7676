-- Ends a claim: writes the next deadline unless an earlier one came in during the visit. If the sweep has lost the shard
-- meanwhile, the session belongs to the new holder.
if redis.call('GET', leaseKey) ~= holder then return 0 end
local score = tonumber(redis.call('ZSCORE', dueKey, sessionId) or claimedScore)
if nextDeadline == '' then
  if score >= tonumber(claimedScore) then redis.call('ZREM', dueKey, sessionId) end
elseif score > tonumber(nextDeadline) then
  redis.call('ZADD', dueKey, nextDeadline, sessionId)
end
redis.call('PEXPIRE', dueKey, ttl)
return 1
