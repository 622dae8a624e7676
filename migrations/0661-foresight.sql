-- Early warnings: a session in which nobody is present may be foreseen to stay silent until its expiry [SE16].
ALTER TABLE collaboration_sessions
  -- When the silence was last compared with the history of the session and of its owner.
  ADD COLUMN silence_checked_at timestamptz(3),
  -- When the participants were sent the early warning.
  ADD COLUMN foreseen_at        timestamptz(3);

-- Finds the purged sessions of an owner, the newest first.
CREATE INDEX idx_purged_sessions_owner ON purged_sessions (owner_id, purged_at DESC);
