-- Reading a record. A cursor and the data of a person are kept as the raw JSON that the client sent and are spliced into the record
-- as text: cjson would round their numbers and turn an empty list into an object. In a record they come last, the data before the
-- cursor; `dataSizes` tells where each key and value of the data begins.

-- Returns the user, and the raw data and cursor, each nil if there is none.
local function parseRecord(text)
  -- Quotes inside a JSON string are escaped, so the first match is the beginning of the data or, without data, of the cursor.
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
