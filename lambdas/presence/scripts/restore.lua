-- Restores a session from the connection table, after Redis lost it or was away (rules FA1, FA2). Redis could not receive frames
-- meanwhile, so the last sign of life of every restored connection is now. A silent connection that is not in the table has left, or
-- joined after its session had ended. The journal gets these leaves, and new arrivals of users whose leave is still in it. If
-- anything was lost, the session gets a new epoch, so that every client asks for a snapshot.
-- The values of each connection follow the named arguments.
changesMembers = true
local lost = isUnknown()
if onlyIfLost and not lost then return reply({}, {}, { restored = 0 }) end
local isNewEpoch, given, leaving, order, people = lost, {}, {}, {}, {}
readEpoch()
if cursorRole ~= '' then redis.call('HSET', epochKey, 'cursorRole', cursorRole) end
for _, member in ipairs(redis.call('ZRANGE', leavingKey, 0, -1)) do
  local userId, connectionId = splitMember(member)
  leaving[userId .. ':' .. connectionId] = true
end

for index = 0, count - 1 do
  local first = firstExtraArgument + index * restoredFields
  local userId, connectionId, username, role = ARGV[first], ARGV[first + 1], ARGV[first + 2], ARGV[first + 3]
  local joinedAt, isInvisible = tonumber(ARGV[first + 4]), ARGV[first + 5] == '1'
  local leaseUntil, onBehalfOf = tonumber(ARGV[first + 10]), ARGV[first + 11]
  local member = userId .. ':' .. connectionId
  given[member] = true
  -- The table was read before this script runs. If the connection has joined or left since then, Redis is newer.
  if not isOutdated(ARGV[first + 8], ARGV[first + 9]) then
    if not leaving[member] then redis.call('ZADD', connectionsKey, 'GT', signOf({ leaseUntil = leaseUntil }), member) end
    if not people[userId] then
      order[#order + 1] = userId
      people[userId] = newUser(userId, username, role, joinedAt, isInvisible)
      people[userId].restored = true
      if leaseUntil then
        people[userId].onBehalfOf = onBehalfOf ~= '' and onBehalfOf or nil
        setLease(people[userId], leaseUntil)
      end
      if ARGV[first + 7] ~= '' then people[userId].guestId = ARGV[first + 7] end
      local data = ARGV[first + 6]
      if data ~= '' then setData(people[userId], cjson.decode(data)) end
    end
    people[userId].joinedAt = math.min(people[userId].joinedAt, joinedAt)
  end
end

-- These leaves may be in the audit trail already. The writer of the journal checks that.
isConcluding = true
for _, member in ipairs(redis.call('ZRANGEBYSCORE', connectionsKey, '-inf', silentSince)) do
  local userId, connectionId = splitMember(member)
  if connectionId ~= '' and not given[member] then
    redis.call('ZREM', connectionsKey, member)
    dropConnection(userId, 'left')
  end
end

local counts = connectionsByUser()
-- A user in the reconnect grace is no longer in the table. If only the list of users was lost, their record is still there.
for userId, connections in pairs(counts) do
  local user = not people[userId] and readUser(userId)
  if user then
    redis.call('ZADD', usersKey, user.lastSeen, userId)
    if setConnections(user, connections, true) then writeUser(user, false) end
  end
end
local waiting = unwrittenLeaves()
for _, userId in ipairs(order) do
  local known, user = redis.call('ZSCORE', usersKey, userId), readUser(userId)
  if known and not user then isNewEpoch = true end
  local fresh = user == nil
  user = user or people[userId]
  storeChosen(user)
  if not user.index then user.index = redis.call('HINCRBY', epochKey, 'users', 1) end
  user.lastSeen = signOf(user)
  if known and not fresh and user.connections ~= counts[userId] then changed(userId, 'connections', counts[userId]) end
  user.connections = counts[userId]
  redis.call('ZADD', usersKey, user.lastSeen, userId)
  redis.call('HSET', rolesKey, userId, user.role)
  showStatus(user)
  local leave = fresh and not known and waiting[userId]
  if leave then
    -- The leave is in the journal and not recorded yet. The journal also gets this arrival, because the user is present
    -- again.
    user.joinedAt, user.restored = math.max(now, leave.at + 1), nil
    appendToJournal({ userId = userId, username = user.username, role = user.role, at = user.joinedAt, came = true,
      agent = user.leaseUntil and { onBehalfOf = user.onBehalfOf } or nil, certain = true })
  end
  writeUser(user, true)
  if not known and not lost then
    joins[#joins + 1] = userId
    publish('online', userId)
  end
end
if isNewEpoch then startEpoch() end
return outcome('', { restored = 1 })
