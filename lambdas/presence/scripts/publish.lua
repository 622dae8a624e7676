-- Whom an event of a program reaches [SA4]. The program is no user, so it changes nobody's presence.
if isUnknown() then return { 'unknown' } end
if isIncomplete() then
  invalidateSession()
  return { 'unknown' }
end
renewsKeys = false
local function answer(verdict, addressed) return reply({}, {}, { verdict = verdict, addressed = addressed or {} }) end
-- An agent speaks only where it is present [SA8].
if agentId ~= '' and redis.call('HEXISTS', epochKey, 'agent:' .. agentId) == 0 then return answer('absent') end
-- Marked in the same script, so that of two requests at the same time only one is sent. If the connection to Redis breaks before the
-- reply, the client of Redis runs the script again: then the mark is that of this attempt, and nothing was sent yet.
local ownMark = mark .. ':' .. attempt
local stored = markKey ~= '' and redis.call('GET', markKey)
local runsAgain = stored == ownMark
if stored and not runsAgain then return answer(stored:sub(1, #mark) == mark and 'repeated' or 'other') end
if not runsAgain then
  local wait = overLimit()
  if wait then return { 'limited', wait } end
  if markKey ~= '' then redis.call('SET', markKey, ownMark, 'PX', markMillis) end
end
local isNamed = {}
for _, each in ipairs(named ~= '' and cjson.decode(named) or {}) do isNamed[each] = true end
local addressed = {}
for _, receiver in ipairs(receiversExcept('')) do
  local owner = splitMember(receiver)
  if named == '' or isNamed[owner] then addressed[#addressed + 1] = receiver end
end
if not runsAgain then posted = posted + #addressed end
return answer('sent', addressed)
