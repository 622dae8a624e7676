-- A run of the clean-up claims an expiry for a limited time, announces it and confirms it. If the run is killed before,
-- the next run announces it.
ALTER TABLE collaboration_sessions ADD COLUMN expiry_claimed_until timestamptz(3);
