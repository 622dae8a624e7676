-- The field of the hash `rates` that counts the messages of the session (rule CO3). No connection has this id.
local receivedField = '#received'

-- The generic cell rate algorithm: one number per connection says when its next frame would be on time.
-- Returns the new number, or nil and the milliseconds to wait if there were too many frames. A number that is too far ahead is from
-- a clock that was wrong, and the count begins again. Clocks that differ by up to a second do not begin it again.
local function countOne(stored, now)
  local onTime = math.max(now, tonumber(stored or '0'))
  if onTime - now > 2 * rateBurst + rateSpacing + 1000 then onTime = now end
  if onTime - now > rateBurst then return nil, math.ceil(onTime - now - rateBurst) end
  return onTime + rateSpacing
end
