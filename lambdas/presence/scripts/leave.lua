-- A connection leaves on purpose: at once, without a reconnect grace.
if isUnknown() then return { 'unknown' } end
if isIncomplete() then
  invalidateSession()
  return { 'unknown' }
end
changesMembers = true
if isOvertaken(versionKey, version) then return { 'overtaken' } end
expireOverdue()
local removed = redis.call('ZREM', connectionsKey, userId .. ':' .. connectionId)
forgetConnection(connectionId)
if removed == 1 then dropConnection(userId, cause) end
return outcome(connectionId, { removed = removed, departures = departures })
