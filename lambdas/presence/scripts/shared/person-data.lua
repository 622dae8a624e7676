-- The data of users (rule PR16). A list of members alternates raw keys and raw values; the value `null` removes a key.

local function membersOf(user)
  local members, from = {}, 2
  for _, size in ipairs(user.dataSizes or {}) do
    members[#members + 1] = string.sub(recordedData[user.userId], from, from + size - 1)
    from = from + size + 1
  end
  return members
end

-- The members after the changes. A later change of a key replaces an earlier one.
local function withChanges(members, changes)
  local positions = {}
  for index = 1, #members, 2 do positions[members[index]] = index + 1 end
  for index = 1, #changes, 2 do
    local position = positions[changes[index]]
    if not position then
      members[#members + 1] = changes[index]
      position = #members + 1
      positions[changes[index]] = position
    end
    members[position] = changes[index + 1]
  end
  return members
end

-- Returns the members after a change, and the members that changed. Returns nil if the data would be too large.
local function changeOfData(user, change)
  local members, known, changes = membersOf(user), {}, {}
  for index = 1, #members, 2 do known[members[index]] = members[index + 1] end
  for index = 1, #change, 2 do
    if (known[change[index]] or 'null') ~= change[index + 1] then
      changes[#changes + 1] = change[index]
      changes[#changes + 1] = change[index + 1]
    end
  end
  local all, kept, bytes = withChanges(members, changes), {}, 1
  for index = 1, #all, 2 do
    if all[index + 1] ~= 'null' then
      kept[#kept + 1] = all[index]
      kept[#kept + 1] = all[index + 1]
      bytes = bytes + #all[index] + #all[index + 1] + 2
    end
  end
  if bytes > dataBytes then return nil end
  return kept, changes
end

local function setData(user, members)
  local sizes, pairsOf = {}, {}
  for index = 1, #members, 2 do
    sizes[#sizes + 1], sizes[#sizes + 2] = #members[index], #members[index + 1]
    pairsOf[#pairsOf + 1] = members[index] .. ':' .. members[index + 1]
  end
  user.dataSizes = #sizes > 0 and sizes or nil
  recordedData[user.userId] = user.dataSizes and '{' .. table.concat(pairsOf, ',') .. '}'
  -- The time also orders the changes: the connection table keeps the newest.
  user.dataAt = math.max(now, (user.dataAt or 0) + 1)
end

-- The data that the connection table has to store.
local function keptData(user)
  return { recordedData[user.userId] or '{}', user.dataAt or 0, user.connections }
end
