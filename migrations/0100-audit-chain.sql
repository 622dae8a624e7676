-- A guest's name is gone with the session; the trail keeps the name that the person had.
ALTER TABLE activity_log ADD COLUMN username text;

-- A page of one kind or of one person costs the same as a page of everything.
CREATE INDEX idx_activity_session_type ON activity_log (session_id, activity_type, created_at DESC);
CREATE INDEX idx_activity_session_user ON activity_log (session_id, user_id, created_at DESC);

-- Retention asks for the oldest entries of all sessions, and nothing else may use that order: with a plain index on
-- created_at the planner reads a large session's pages through all other sessions' entries.
DROP INDEX idx_activity_created_at;
CREATE INDEX idx_activity_retention ON activity_log ((created_at AT TIME ZONE 'UTC'));

-- The log is only ever added to. Each entry gets a ticket in the statement that writes it; the sweep turns tickets into
-- seals. An entry with neither was not written by the product.
CREATE TABLE activity_unsealed (
  position    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  session_id  uuid NOT NULL,
  activity_id uuid NOT NULL
);
CREATE INDEX idx_activity_unsealed_session ON activity_unsealed (session_id);

-- One link per entry: hash covers the entry and the hash before it.
CREATE TABLE activity_seals (
  session_id    uuid NOT NULL,
  sequence      bigint NOT NULL CHECK (sequence > 0),
  activity_id   uuid NOT NULL UNIQUE,
  previous_hash bytea NOT NULL CHECK (length(previous_hash) = 32),
  hash          bytea NOT NULL CHECK (length(hash) = 32),
  PRIMARY KEY (session_id, sequence)
);

-- The two ends of each chain: the newest link, and the last one that retention removed (the anchor).
CREATE TABLE activity_chains (
  session_id      uuid PRIMARY KEY,
  sequence        bigint NOT NULL,
  hash            bytea NOT NULL CHECK (length(hash) = 32),
  anchor_sequence bigint NOT NULL DEFAULT 0,
  anchor_hash     bytea NOT NULL CHECK (length(anchor_hash) = 32),
  -- When the oldest remaining entry happened, for retention; null where none remains.
  oldest_at       timestamptz(3),
  CHECK (anchor_sequence BETWEEN 0 AND sequence)
);
CREATE INDEX idx_activity_chains_oldest_at ON activity_chains (oldest_at) WHERE oldest_at IS NOT NULL;
