-- The sweep watches the windows of a session and asks whether to continue.
if isUnknown() then return { 'unknown' } end
renewsKeys = false
local moves = isMoving(windowState())
redis.call('HSET', windowKey, 'watched', moves and now + watchMillis or 0)
local paced = setRestraint(restraint)
return reply({}, {}, { moves = moves and 1 or 0, metered = takeMeter(), paced = paced, cursorMillis = math.floor(cursorMillis()) })
