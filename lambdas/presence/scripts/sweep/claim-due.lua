-- Claims due sessions, the longest due first, for the sweep that holds the shard. Any other sweep gets none. Replies with the
-- deadline of the first one, and the sessions.
local claimed = {}
if redis.call('GET', leaseKey) ~= holder then return claimed end
local due = redis.call('ZRANGEBYSCORE', dueKey, '-inf', now, 'WITHSCORES', 'LIMIT', 0, limit)
claimed[1] = due[2]
for place = 1, #due, 2 do
  redis.call('ZADD', dueKey, claimedScore, due[place])
  claimed[#claimed + 1] = due[place]
end
return claimed
