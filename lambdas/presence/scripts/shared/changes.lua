-- Whether an update changes more than the number of the user's connections.
local function changesUser(update)
  for field in pairs(update) do
    if field ~= 'userId' and field ~= 'connections' then return true end
  end
  return false
end

-- Whether all changes are about the only receiver. Then nothing is numbered and nothing is sent. But what one connection of a user
-- changes by its join, the user's other connection does not know.
local function onlyAboutItself(receivers)
  if #receivers ~= 1 or #leaves > 0 then return false end
  local receiver = splitMember(receivers[1])
  for _, userId in ipairs(joins) do if userId ~= receiver then return false end end
  local isAlone = redis.call('ZCARD', connectionsKey) == 1
  for _, update in ipairs(updates) do
    if update.userId ~= receiver or not isAlone and changesUser(update) then return false end
  end
  return true
end

-- Stores the changes of this script until the window ends.
local function storeChanges()
  renewsKeys = true
  redis.call('HINCRBY', windowKey, 'changing', #leaves + #joins + #updates)
  if #leaves + #joins > 0 then redis.call('HSET', windowKey, 'urgent', 1) end
  for index, userId in ipairs(leaves) do
    redis.call('RPUSH', changesKey, cjson.encode({ leave = userId, cause = leavers[index] }))
  end
  for _, userId in ipairs(joins) do redis.call('RPUSH', changesKey, cjson.encode({ join = userId })) end
  for _, update in ipairs(updates) do redis.call('RPUSH', changesKey, cjson.encode({ update = update })) end
end

-- Merges the stored changes with those of this script into one result per user. A leave comes before a join, and a user who joined
-- and left meanwhile only leaves.
local function mergeChanges()
  local waiting = tonumber(redis.call('HGET', windowKey, 'changing') or '0')
  local stored = redis.call('LRANGE', changesKey, 0, -1)
  if #stored < waiting then startEpoch() end
  if #stored == 0 then
    if waiting > 0 then redis.call('HDEL', windowKey, 'changing', 'urgent') end
    return
  end
  storeChanges()
  stored = redis.call('LRANGE', changesKey, 0, -1)
  redis.call('DEL', changesKey)
  redis.call('HDEL', windowKey, 'changing', 'urgent')
  local order, states = {}, {}
  for _, text in ipairs(stored) do
    local change = cjson.decode(text)
    local userId = change.join or change.leave or change.update.userId
    if not states[userId] then
      order[#order + 1] = userId
      states[userId] = {}
    end
    local state = states[userId]
    if change.leave then
      states[userId] = { cause = change.cause }
    elseif change.join then
      state.joined = true
    elseif not state.joined then
      state.update = state.update or { userId = userId }
      for field, value in pairs(change.update) do
        if field == 'data' then value = withChanges(state.update.data or {}, value) end
        state.update[field] = value
      end
    end
  end
  joins, updates, leaves, leavers = {}, {}, {}, {}
  for _, userId in ipairs(order) do
    local state = states[userId]
    if state.cause then
      leaves[#leaves + 1] = userId
      leavers[#leavers + 1] = state.cause
    end
    if state.joined then joins[#joins + 1] = userId elseif state.update then updates[#updates + 1] = state.update end
  end
end
