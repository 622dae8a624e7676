-- Whoever announces an expiry claims it for a while and confirms it afterwards: a sweep that is killed in between leaves
-- it to the next one.
ALTER TABLE collaboration_sessions ADD COLUMN expiry_claimed_until timestamptz(3);
