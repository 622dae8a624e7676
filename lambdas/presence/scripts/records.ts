import { limits } from '../../../protocol/limits.ts';
import { underWay } from './turns.ts';

/** So many frames of one connection may be under way at the same time. */
const framesUnderWay = 1000;

/**
 * Reading a record. A cursor and the data of a person are kept as the raw JSON that the client sent, and are spliced into
 * the record as text: `cjson` would round their numbers and turn an empty list into an object. In a record they come last,
 * the data before the cursor; `dataSizes` tells where each key and value of the data begins.
 */
export const parsing = `
-- Answers the user, and the raw data and cursor, each nil where there is none.
local function parseRecord(text)
  -- Inside a JSON string the quotes are escaped, so the first match is where the first of the two was spliced in.
  local cursorAt, cursorEnd = string.find(text, ',"cursor":', 1, true)
  local dataAt, dataEnd = string.find(text, ',"data":', 1, true)
  if not dataAt or (cursorAt and cursorAt < dataAt) then
    if not cursorAt then return cjson.decode(text) end
    return cjson.decode(string.sub(text, 1, cursorAt - 1) .. '}'), nil, string.sub(text, cursorEnd + 1, -2)
  end
  local user = cjson.decode(string.sub(text, 1, dataAt - 1) .. '}')
  -- Braces around all, and a colon or comma between any two.
  local last = dataEnd + 1 + #user.dataSizes
  for _, size in ipairs(user.dataSizes) do last = last + size end
  local cursor = string.sub(text, last + 1, last + 10) == ',"cursor":' and string.sub(text, last + 11, -2) or nil
  return user, string.sub(text, dataEnd + 1, last), cursor
end

local function encodeRecord(user, data, cursor)
  local text = string.sub(cjson.encode(user), 1, -2)
  if data then text = text .. ',"data":' .. data end
  if cursor then text = text .. ',"cursor":' .. cursor end
  return text .. '}'
end
`;

/** Reading and writing the records of users. */
export const records = `
-- Cursors and data as the records read here have them.
local recorded, told = {}, {}
-- Whether this script renews the time to live of every key. Those that run for each frame do where they make a key, and
-- once a minute.
local keeps = true

local function readUser(userId)
  local text = redis.call('GET', recordPrefix .. userId)
  if not text then return nil end
  local user, data, cursor = parseRecord(text)
  recorded[userId], told[userId] = cursor, data
  return user
end

-- An evicted hash comes back from the records.
local function cursorOf(userId)
  local cursor = redis.call('HGET', cursorsKey, userId)
  if cursor or not recorded[userId] then return cursor end
  redis.call('HSET', cursorsKey, userId, recorded[userId])
  keeps = true
  return recorded[userId]
end

-- A user points nowhere any more, and what waits to be sent about it is out of date.
local function forgetCursor(userId)
  recorded[userId] = nil
  redis.call('HDEL', cursorsKey, userId)
  redis.call('HDEL', tagsKey, userId)
  if redis.call('HDEL', pendingKey, userId) == 1 and redis.call('EXISTS', pendingKey) == 0 then
    redis.call('HDEL', windowKey, 'moving')
  end
end

-- A sign of life renews the TTL; a change that others caused must not. Who knows the cursor tells it.
local function writeUser(user, alive, cursor)
  local text = encodeRecord(user, told[user.userId], cursor or cursorOf(user.userId) or nil)
  if alive then
    redis.call('SET', recordPrefix .. user.userId, text, 'PX', ARGV[5])
  else
    redis.call('SET', recordPrefix .. user.userId, text, 'KEEPTTL')
  end
end
`;

/**
 * What people tell of themselves (rule PR16). A list of members holds raw keys and raw values by turns; the value `null`
 * removes a key.
 */
export const personData = `
local function membersOf(user)
  local members, from = {}, 2
  for _, size in ipairs(user.dataSizes or {}) do
    members[#members + 1] = string.sub(told[user.userId], from, from + size - 1)
    from = from + size + 1
  end
  return members
end

-- The members with the changes; later ones count.
local function withChanges(members, changes)
  local places = {}
  for index = 1, #members, 2 do places[members[index]] = index + 1 end
  for index = 1, #changes, 2 do
    local place = places[changes[index]]
    if not place then
      members[#members + 1] = changes[index]
      place = #members + 1
      places[changes[index]] = place
    end
    members[place] = changes[index + 1]
  end
  return members
end

-- What of a change is new to what the user told: the members afterwards, and those that changed. Nil where all of it would
-- be too much.
local function changeOfData(user, change)
  local members, known, changes = membersOf(user), {}, {}
  for index = 1, #members, 2 do known[members[index]] = members[index + 1] end
  for index = 1, #change, 2 do
    if (known[change[index]] or 'null') ~= change[index + 1] then
      changes[#changes + 1] = change[index]
      changes[#changes + 1] = change[index + 1]
    end
  end
  local all, kept, bytes = withChanges(members, changes), {}, 1
  for index = 1, #all, 2 do
    if all[index + 1] ~= 'null' then
      kept[#kept + 1] = all[index]
      kept[#kept + 1] = all[index + 1]
      bytes = bytes + #all[index] + #all[index + 1] + 2
    end
  end
  if bytes > ${limits.dataBytes} then return nil end
  return kept, changes
end

local function setData(user, members)
  local sizes, pairsOf = {}, {}
  for index = 1, #members, 2 do
    sizes[#sizes + 1], sizes[#sizes + 2] = #members[index], #members[index + 1]
    pairsOf[#pairsOf + 1] = members[index] .. ':' .. members[index + 1]
  end
  user.dataSizes = #sizes > 0 and sizes or nil
  told[user.userId] = user.dataSizes and '{' .. table.concat(pairsOf, ',') .. '}'
  -- Numbers what a user told: the connection table keeps the newest.
  user.dataAt = math.max(now, (user.dataAt or 0) + 1)
end

-- What a frame changes of a user's data, without the keys that later frames of the connection decided (rule PR18). Also answers
-- the turns of all keys afterwards, without those of keys that no frame under way can still change.
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
  local oldest = turn - (string.sub(field, 1, 1) == '~' and ${underWay} or ${framesUnderWay})
  for key, at in pairs(turns) do
    if tonumber(at) < oldest then turns[key] = nil end
  end
  return kept, turns
end

local function writeDataTurns(field, turns)
  if redis.call('HSET', ordersKey, 'data:' .. field, cjson.encode(turns)) == 1 then keeps = true end
end

-- What the connection table is to keep of a user's data.
local function keptData(user)
  return { told[user.userId] or '{}', user.dataAt or 0, user.connections }
end
`;
