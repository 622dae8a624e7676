-- Changes the role that the others see. The permission itself is in PostgreSQL.
if isUnknown() then return { 'unknown' } end
local user = readUser(userId)
if user and user.role ~= role then
  user.role = role
  redis.call('HSET', rolesKey, userId, role)
  changed(userId, 'role', role)
  writeUser(user, false)
end
return outcome('', {})
