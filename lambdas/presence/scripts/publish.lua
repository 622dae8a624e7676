-- Whom an event of a program reaches [SA4]. The program is no user, so it changes nobody's presence.
if isUnknown() then return { 'unknown' } end
renewsKeys = false
local function answer(verdict, addressed) return reply({}, {}, { verdict = verdict, addressed = addressed or {} }) end
-- An agent speaks only where it is present [SA8].
if agentId ~= '' and redis.call('HEXISTS', epochKey, 'agent:' .. agentId) == 0 then return answer('absent') end
local wait = overLimit()
if wait then return { 'limited', wait } end
-- Marked in the same script, so that of two requests at the same time only one is sent.
if markKey ~= '' and not redis.call('SET', markKey, mark, 'NX', 'PX', markMillis) then
  return answer(redis.call('GET', markKey) == mark and 'repeated' or 'other')
end
local isNamed = {}
for _, each in ipairs(named ~= '' and cjson.decode(named) or {}) do isNamed[each] = true end
local addressed = {}
for _, receiver in ipairs(receiversExcept('')) do
  local owner = splitMember(receiver)
  if named == '' or isNamed[owner] then addressed[#addressed + 1] = receiver end
end
posted = posted + #addressed
return answer('sent', addressed)
