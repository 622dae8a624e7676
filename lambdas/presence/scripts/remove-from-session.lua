-- Removes a user from the session, or everybody if no user is named. Replies with the connections that were in the session. The journal
-- keeps the server key that did it [SA5].
if isUnknown() then return { 'unknown' } end
-- Otherwise a restore that read the connection table before would seat the agent again. What is served last decides, so this end counts
-- even if the agent has joined since.
isOvertaken(versionKey, version)
local wasIncomplete = isIncomplete()
changesMembers = true
local ended = {}
for _, key in ipairs({ connectionsKey, leavingKey }) do
  for _, member in ipairs(redis.call('ZRANGE', key, 0, -1)) do
    local owner, connectionId = splitMember(member)
    if userId == '' or owner == userId then
      redis.call('ZREM', key, member)
      forgetConnection(connectionId)
      if connectionId ~= '' and key == connectionsKey then ended[#ended + 1] = member end
    end
  end
end
local removed = userId == '' and redis.call('ZRANGE', usersKey, 0, -1) or { userId }
for _, each in ipairs(removed) do
  if redis.call('ZSCORE', usersKey, each) then removeUser(each, cause, readUser(each), nil, keyId ~= '' and keyId or nil) end
end
local result = outcome('', { ended = ended, departures = departures })
if wasIncomplete then invalidateSession() end
return result
