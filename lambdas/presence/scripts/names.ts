/** Names for the keys and arguments that every presence script is given. */
export const names = `
local usersKey, connectionsKey, activeKey, leavingKey, cursorsKey, epochKey, departedKey =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local windowKey, pendingKey, changesKey, ratesKey, rolesKey = KEYS[8], KEYS[9], KEYS[10], KEYS[11], KEYS[12]
local tagsKey, compactKey, ordersKey = KEYS[13], KEYS[14], KEYS[15]
local recordPrefix, channel, sessionId = ARGV[1], ARGV[2], ARGV[3]
local now, offlineAfter, awayAfter = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
-- Redis writes a number as text at some cost; the time of the call is there as text already.
local nowText = ARGV[4]
local freshEpoch, keepMillis = ARGV[7], tonumber(ARGV[8])
local windowMillis, batchMax = tonumber(ARGV[9]), tonumber(ARGV[10])
-- For how long signs of life, and seats taken, may not have reached Redis: nobody is judged by what is that recent.
local spared = tonumber(ARGV[11])
local argument = function(index) return ARGV[11 + index] end
`;

/** For so many milliseconds keys need not be renewed, but where one is made. */
export const keptFor = 60_000;

/** Renews the time to live of every key of a session but the list of who came and went, which has its own. */
export const renewKeys = `
  for _, key in ipairs({ usersKey, connectionsKey, activeKey, leavingKey, cursorsKey, epochKey, windowKey, pendingKey,
    changesKey, ratesKey, rolesKey, tagsKey, compactKey, ordersKey }) do
    redis.call('PEXPIRE', key, keepMillis)
  end
  redis.call('HSET', epochKey, 'keptAt', nowText)
`;
