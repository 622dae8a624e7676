local roleRank = { viewer = 1, commenter = 2, operator = 3 }
local statusRank = { online = 1, away = 2, offline = 3 }

local function timeText(at)
  return at == now and nowText or string.format('%d', at)
end

local function visibleStatus(user)
  local status = 'online'
  if now - user.lastSeen >= silenceOf(user) + outageAllowance then status = 'offline'
  elseif now - user.lastActive >= awayAfter or (user.hidden and #user.hidden >= user.connections) then status = 'away' end
  if user.chosen and statusRank[user.chosen] > statusRank[status] then status = user.chosen end
  return status
end

local function publish(kind, userId, data)
  redis.call('PUBLISH', channel, '{"type":"' .. kind .. '","sessionId":"' .. sessionId .. '","userId":"' .. userId ..
    '","timestamp":' .. nowText .. (data and (',"data":' .. data) or '') .. '}')
end

local function changed(userId, field, value)
  local update = updatedUsers[userId]
  if not update then
    update = { userId = userId }
    updatedUsers[userId] = update
    updates[#updates + 1] = update
  end
  update[field] = value
end

-- Sets the activity text, which is given as JSON; `null` removes it.
local function setActivity(user, activity, isShown)
  local text = nil
  if activity ~= 'null' then text = cjson.decode(activity) end
  if text == user.activity then return end
  user.activity = text
  publish('activity', user.userId, '{"activity":' .. activity .. '}')
  if isShown then changed(user.userId, 'activity', text or cjson.null) end
end

-- Sets the data of a user. `changes` are sent if the others know the user.
local function tellData(user, members, changes, isShown)
  if #changes == 0 then return end
  setData(user, members)
  local listed = {}
  for index = 1, #changes, 2 do listed[#listed + 1] = changes[index] .. ':' .. changes[index + 1] end
  publish('data', user.userId, '{"data":{' .. table.concat(listed, ',') .. '}}')
  if isShown then changed(user.userId, 'data', changes) end
end

local function showStatus(user)
  local status = visibleStatus(user)
  if status ~= user.status then
    user.status = status
    changed(user.userId, 'status', status)
    publish(status, user.userId)
  end
  if status ~= 'online' or user.leaseUntil then return end
  if redis.call('ZADD', activeKey, timeText(user.lastActive), user.userId) == 1 then renewsKeys = true end
end

-- The rank of each present user's role. If Redis evicted the hash of roles, the records restore it.
local function roleRanks()
  local found, ranks = redis.call('HGETALL', rolesKey), {}
  for index = 1, #found, 2 do ranks[found[index]] = roleRank[found[index + 1]] end
  if #found > 0 then return ranks end
  renewsKeys = true
  for _, userId in ipairs(redis.call('ZRANGE', usersKey, 0, -1)) do
    local user = readUser(userId)
    if user then
      redis.call('HSET', rolesKey, userId, user.role)
      ranks[userId] = roleRank[user.role]
    end
  end
  return ranks
end
