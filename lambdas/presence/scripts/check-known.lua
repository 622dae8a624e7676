-- Whether Redis knows the session and holds all of it.
if isUnknown() then return { 'unknown' } end
if isIncomplete() then
  invalidateSession()
  return { 'unknown' }
end
return { 'ok' }
