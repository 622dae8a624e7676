-- Whom a broadcast reaches, for a connection whose role may comment [DE11]. It counts as a frame of its connection, and the
-- others see no change. The roles here follow those in PostgreSQL, and the owner is an operator. If the token of the
-- connection has an access claim, its role counts instead, because other connections of the user may have other tokens [SE12].
if isUnknown() then return { 'unknown' } end
renewsKeys = false
local member = userId .. ':' .. connectionId
local user = seatedUser(userId, member)
if not user then return { 'unknown' } end
local limited = countFrame(connectionId)
if limited then return limited end
local wait = overLimit()
if wait then return { 'limited', wait } end
user.lastSeen = math.max(user.lastSeen, now)
redis.call('ZADD', usersKey, timeText(user.lastSeen), userId)
-- A hidden connection stays hidden.
redis.call('ZADD', connectionsKey, 'GT', nowText, member)
writeUser(user, true)
local role = claimedRole ~= '' and claimedRole or user.role
if roleRank[role] < roleRank.commenter then return reply({}, {}, { isPermitted = 0, addressed = {} }) end

local isNamed = {}
for _, each in ipairs(named ~= '' and cjson.decode(named) or {}) do isNamed[each] = true end
local addressed = {}
for _, receiver in ipairs(receiversExcept(connectionId)) do
  local owner = splitMember(receiver)
  if (named == '' and owner ~= userId) or isNamed[owner] then addressed[#addressed + 1] = receiver end
end
posted = posted + #addressed
return reply({}, {}, { isPermitted = 1, addressed = addressed })
