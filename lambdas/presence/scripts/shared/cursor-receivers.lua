-- Counts the posts of cursors for the meter (rule CO3). Each receiver gets the cursors of the others, in frames of 32 KB.
local function countCursors(cursors, receivers)
  local bytes, first, several = 0, nil, false
  for place = 1, #cursors, 2 do
    bytes = bytes + #cursors[place + 1] + cursorOverhead
    several = several or (first ~= nil and first ~= cursors[place])
    first = cursors[place]
  end
  if not first then return end
  local reached = #receivers
  if not several then
    for _, member in ipairs(receivers) do if splitMember(member) == first then reached = reached - 1 end end
  end
  posted = posted + reached * math.ceil(bytes / cursorFrameBytes)
end

-- The connections that may see cursors; a session may show them only from a certain role up (rule DE9). `:c` marks a connection that
-- asked for the compact form.
local function cursorReceivers()
  local least = redis.call('HGET', epochKey, 'cursorRole')
  local roles, allowed, compact = least and roleRanks(), {}, {}
  for _, connectionId in ipairs(redis.call('SMEMBERS', compactKey)) do compact[connectionId] = true end
  for _, member in ipairs(receiversExcept('')) do
    local userId, connectionId = splitMember(member)
    if not least or (roles[userId] or 0) >= roleRank[least] then
      allowed[#allowed + 1] = compact[connectionId] and member .. ':c' or member
    end
  end
  return allowed
end
