-- Writes the record of a user and renews its time to live, because this is a sign of life.
local function writeRecord(userId, text)
  redis.call('SET', recordPrefix .. userId, text, 'PX', offlineAfterText)
end
