-- What a session spends (rules CO3, CO4). Every post moves `postsOnTime` into the future by the time in which it may be sent. So this
-- one number says whether the session posts more than its limit, as for the rate limit of a connection.
--
-- A restraint is a factor that the sweep sets while the service spends too much. It makes posts rarer in all sessions.

-- A session may send the posts of this time at once.
local burstMillis = 1000

local spendingFound
local function spending()
  if not spendingFound then
    local found = redis.call('HMGET', epochKey, 'restraint', 'restrainedUntil', 'postsOnTime')
    local isInForce = now < tonumber(found[2] or '0')
    spendingFound = { restraint = isInForce and tonumber(found[1]) or 1, onTime = math.max(now, tonumber(found[3] or '0')) }
  end
  return spendingFound
end

-- The milliseconds in which a session may send this many posts.
local function postsMillis(posts)
  return 1000 * posts / postsPerSecond * spending().restraint
end

-- The milliseconds until the session may send further posts that can be refused or can wait; nil if it may now.
local function overLimit()
  local ahead = spending().onTime - now
  if ahead <= burstMillis then return nil end
  return math.ceil(ahead - burstMillis)
end
