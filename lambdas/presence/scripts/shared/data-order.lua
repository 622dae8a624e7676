-- Removes from a change of data the keys that later frames of the connection have set (rule PR18). Also returns the turns of
-- all keys afterwards, without those of keys that no frame in flight can still change.
local function takeDataTurn(field, turn, change)
  local text = redis.call('HGET', ordersKey, 'data:' .. field)
  local turns, kept = text and cjson.decode(text) or {}, {}
  for index = 1, #change, 2 do
    local key = change[index]
    if tonumber(turns[key] or '0') <= turn then
      -- As text, because cjson rounds large numbers.
      turns[key] = string.format('%.0f', turn)
      kept[#kept + 1], kept[#kept + 2] = key, change[index + 1]
    end
  end
  local oldest = turn - (string.sub(field, 1, 1) == '~' and membershipMillis or framesInFlight)
  for key, at in pairs(turns) do
    if tonumber(at) < oldest then turns[key] = nil end
  end
  return kept, turns
end

local function writeDataTurns(field, turns)
  if redis.call('HSET', ordersKey, 'data:' .. field, cjson.encode(turns)) == 1 then renewsKeys = true end
end
