-- A connection leaves on purpose: at once, without a reconnect grace.
-- First, because a restore of a session that Redis forgot may have read the connection table before this leave.
if isOvertaken(versionKey, version) then return { 'overtaken' } end
if isUnknown() then return { 'unknown' } end
if isIncomplete() then
  invalidateSession()
  return { 'unknown' }
end
changesMembers = true
expireOverdue()
local removed = redis.call('ZREM', connectionsKey, userId .. ':' .. connectionId)
forgetConnection(connectionId)
if removed == 1 then dropConnection(userId, cause) end
countMessage(connectionId)
return outcome(connectionId, { removed = removed, departures = departures })
