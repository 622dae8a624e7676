-- Gives back the lease of a shard, so that the next sweep can take it at once.
if redis.call('GET', leaseKey) == holder then redis.call('DEL', leaseKey) end
return 1
