-- State of one script run. Redis runs a script as one step, so each change is found, numbered and sent exactly once.

-- Changes for the others: user ids that joined, changed fields by user, user ids that left with their causes.
local joins, updates, updatedUsers, leaves, leavers = {}, {}, {}, {}, {}
-- Entries of the movement journal about leaves that this script caused.
local departures = {}
-- Cursors and data as the records hold them that this script has read.
local recordedCursors, recordedData = {}, {}
-- Whether the leaves of this script are concluded from the connection table. The audit trail may have them already.
local isConcluding = false
-- Whether this script may change who is present.
local changesMembers = false
-- How many billed messages this script causes to connections: posts and answers (rule CO3).
local posted = 0
-- Whether this script renews the time to live of every key. A script that runs for each frame does so only if it creates a
-- key, and once in every renewal interval.
local renewsKeys = true
