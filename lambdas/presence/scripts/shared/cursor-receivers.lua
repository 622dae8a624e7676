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
