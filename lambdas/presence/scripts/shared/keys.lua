-- Renews the time to live of every key of the session except the movement journal, which has its own.
local function renewKeys()
  for _, key in ipairs(KEYS) do
    if key ~= journalKey then redis.call('PEXPIRE', key, keepMillis) end
  end
  redis.call('HSET', epochKey, 'keptAt', nowText)
end
