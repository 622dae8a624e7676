-- Whether Redis has no epoch of this session: it never knew the session, lost it, or the session was invalidated.
local function isUnknown()
  return redis.call('HEXISTS', epochKey, 'epoch') == 0
end

-- Scripts that run for each frame renew the keys only once in every renewal interval.
local function renewKeysWhenDue(keptAt)
  if not renewsKeys and now - keptAt < renewInterval then return end
  renewKeys()
end

local function readEpoch()
  local found = redis.call('HMGET', epochKey, 'epoch', 'seq', 'cursorRole', 'keptAt', 'posted')
  local postedBefore = tonumber(found[5] or '0')
  if found[1] then return found[1], tonumber(found[2]), found[3] or '', tonumber(found[4] or '0'), postedBefore end
  redis.call('HSET', epochKey, 'epoch', freshEpoch, 'seq', 0)
  return freshEpoch, 0, found[3] or '', 0, postedBefore
end

local function storeChosen(user)
  if user.chosen then
    redis.call('HSET', epochKey, 'chosen:' .. user.userId, user.chosen)
  else
    redis.call('HDEL', epochKey, 'chosen:' .. user.userId)
  end
end

-- The choice to be invisible is also stored in the hash of the epoch, so that it is not lost with the record.
local function newUser(userId, username, role, joinedAt, invisible)
  local chosen = redis.call('HGET', epochKey, 'chosen:' .. userId) or (invisible and 'offline') or nil
  return { userId = userId, username = username, role = role, joinedAt = joinedAt, lastSeen = now, lastActive = now,
    connections = 0, chosen = chosen, status = chosen or 'online' }
end

-- The connections that receive a frame, except one.
local function receiversExcept(connectionId)
  local receivers = {}
  for _, member in ipairs(redis.call('ZRANGE', connectionsKey, 0, -1)) do
    local _, receiver = splitMember(member)
    if receiver ~= '' and receiver ~= connectionId then receivers[#receivers + 1] = member end
  end
  return receivers
end
