/** Facts a restoration knows of each connection, in the order of its arguments. */
export const restoredFields = 6;

/**
 * Brings a session back to what the connection table says, after Redis forgot it or could not be reached for a while:
 * nobody who is connected may be taken for gone because their frames had nowhere to go, so everybody begins anew with a
 * sign of life of this moment (rules FA1, FA2). Silent seats that the table does not know have left meanwhile, or came in
 * after their session had ended. The list of movements keeps each of these leaves, and each new coming of somebody whose
 * leave still stands on it.
 *
 * Where anything was lost the session gets a new epoch, so that every client asks for the whole state.
 */
export const restore = `
reseats = true
local lost = redis.call('HEXISTS', epochKey, 'epoch') == 0
if argument(1) == '1' and not lost then return reply({}, {}, { 0 }) end
local silentSince, cursorRole, count = tonumber(argument(2)), argument(3), tonumber(argument(4))
local renewed, given, leaving, order, people = lost, {}, {}, {}, {}
readEpoch()
if cursorRole ~= '' then redis.call('HSET', epochKey, 'cursorRole', cursorRole) end
for _, member in ipairs(redis.call('ZRANGE', leavingKey, 0, -1)) do
  local userId, connectionId = splitMember(member)
  leaving[userId .. ':' .. connectionId] = true
end

for index = 0, count - 1 do
  local first = 5 + index * ${restoredFields}
  local userId, connectionId, username, role, joinedAt =
    argument(first), argument(first + 1), argument(first + 2), argument(first + 3), tonumber(argument(first + 4))
  local member = userId .. ':' .. connectionId
  given[member] = true
  if not leaving[member] then redis.call('ZADD', connectionsKey, now, member) end
  if not people[userId] then
    order[#order + 1] = userId
    people[userId] = newUser(userId, username, role, joinedAt, argument(first + 5) == '1')
    people[userId].restored = true
  end
  people[userId].joinedAt = math.min(people[userId].joinedAt, joinedAt)
end

-- These leaves may be in the audit trail already. Whoever writes them down asks it.
concludes = true
for _, member in ipairs(redis.call('ZRANGEBYSCORE', connectionsKey, '-inf', silentSince)) do
  local userId, connectionId = splitMember(member)
  if connectionId ~= '' and not given[member] then
    redis.call('ZREM', connectionsKey, member)
    dropConnection(userId, 'left')
  end
end

local counts = connectionsByUser()
-- Who is in their grace is in the table no more; where only the list of users was lost, their record still tells.
for userId, count in pairs(counts) do
  local user = not people[userId] and readUser(userId)
  if user then
    redis.call('ZADD', usersKey, user.lastSeen, userId)
    if setConnections(user, count, true) then writeUser(user, false) end
  end
end
local waiting = unwrittenLeaves()
for _, userId in ipairs(order) do
  local known, user = redis.call('ZSCORE', usersKey, userId), readUser(userId)
  if known and not user then renewed = true end
  local fresh = user == nil
  user = user or people[userId]
  keepChosen(user)
  if not user.index then user.index = redis.call('HINCRBY', epochKey, 'users', 1) end
  user.lastSeen = now
  if known and not fresh and user.connections ~= counts[userId] then changed(userId, 'connections', counts[userId]) end
  user.connections = counts[userId]
  redis.call('ZADD', usersKey, now, userId)
  redis.call('HSET', rolesKey, userId, user.role)
  showStatus(user)
  local leave = fresh and not known and waiting[userId]
  if leave then
    -- Their leave was found, and is not written down yet. The audit trail has to tell that they are here again.
    user.joinedAt, user.restored = math.max(now, leave.at + 1), nil
    remember({ userId = userId, username = user.username, role = user.role, at = user.joinedAt, came = true, certain = true })
  end
  writeUser(user, true)
  if not known and not lost then
    joins[#joins + 1] = userId
    publish('online', userId)
  end
end
if renewed then beginEpoch() end
return outcome('', { 1 })
`;
