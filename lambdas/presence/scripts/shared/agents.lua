-- Agents [SA7]: programs that are present without a connection. An agent has a lease instead of signs of life. The clocks of its record
-- are set so that it is online until the lease ends and overdue then: `lastSeen` is the end of the lease less the timeout. It is never
-- away by itself.

-- The last sign of life of a user, as the lists hold it.
local function signOf(user)
  return user.leaseUntil and user.leaseUntil - offlineAfter or now
end

-- Makes a user an agent, or renews its lease. The hash of the epoch also says who is an agent, so that this is known without the record.
local function setLease(user, leaseUntil)
  user.kind, user.leaseUntil, user.renewedAt = 'agent', leaseUntil, math.max(now, (user.renewedAt or 0) + 1)
  user.lastSeen, user.lastActive = signOf(user), leaseUntil
  if redis.call('HSET', epochKey, 'agent:' .. user.userId, 1) == 1 then redis.call('HINCRBY', epochKey, 'agents', 1) end
end
