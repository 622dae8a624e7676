-- The purge of a session deletes the names of its guests, so each entry of the audit trail keeps the name.
ALTER TABLE activity_log ADD COLUMN username text;

-- With these indexes, a page of one type or one person costs as much as a page of all entries.
CREATE INDEX idx_activity_session_type ON activity_log (session_id, activity_type, created_at DESC);
CREATE INDEX idx_activity_session_user ON activity_log (session_id, user_id, created_at DESC);

-- Retention reads the oldest entries of all sessions. The index is on an expression so that only retention uses it:
-- with a plain index on created_at, the planner reads pages of a large session through the entries of all sessions.
DROP INDEX idx_activity_created_at;
CREATE INDEX idx_activity_retention ON activity_log ((created_at AT TIME ZONE 'UTC'));

-- The log is append-only. The statement that writes an entry also writes its ticket, and the clean-up turns tickets
-- into seals. An entry with neither was not written by the product.
CREATE TABLE activity_unsealed (
  position    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  session_id  uuid NOT NULL,
  activity_id uuid NOT NULL
);
CREATE INDEX idx_activity_unsealed_session ON activity_unsealed (session_id);

-- One link per entry; its hash covers the entry and the previous hash.
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
  -- The time of the oldest remaining entry, for retention; null if none remains.
  oldest_at       timestamptz(3),
  CHECK (anchor_sequence BETWEEN 0 AND sequence)
);
CREATE INDEX idx_activity_chains_oldest_at ON activity_chains (oldest_at) WHERE oldest_at IS NOT NULL;
