-- Early warnings: a session in which nobody is present may be foreseen to stay silent until its expiry [SE16]. They have a table of
-- their own, because a new column of a table breaks the prepared statements that code of the release before has open.
CREATE TABLE session_foresight (
  session_id  uuid PRIMARY KEY REFERENCES collaboration_sessions (id) ON DELETE CASCADE,
  -- When the silence was last compared with the history of the session and of its owner.
  checked_at  timestamptz(3) NOT NULL,
  -- When the participants were sent the early warning.
  foreseen_at timestamptz(3)
);

-- Finds the purged sessions of an owner, the newest first.
CREATE INDEX idx_purged_sessions_owner ON purged_sessions (owner_id, purged_at DESC);

GRANT SELECT, INSERT, UPDATE, DELETE ON session_foresight TO rollcall_service;
