-- Checkpoints of the audit trail: once a day the newest links of all chains that grew, under one signature.
CREATE TABLE activity_checkpoints (
  number        bigint PRIMARY KEY CHECK (number > 0),
  made_at       timestamptz(3) NOT NULL,
  previous_hash bytea NOT NULL CHECK (length(previous_hash) = 32),
  heads         integer NOT NULL CHECK (heads > 0),
  root          bytea NOT NULL CHECK (length(root) = 32),
  hash          bytea NOT NULL CHECK (length(hash) = 32),
  signature     bytea NOT NULL CHECK (length(signature) = 64),
  public_key    bytea NOT NULL
);

-- The leaves of the Merkle tree of a checkpoint, with the hashes that lead from each leaf to the root.
CREATE TABLE activity_checkpoint_heads (
  session_id uuid NOT NULL,
  number     bigint NOT NULL,
  leaf       integer NOT NULL,
  sequence   bigint NOT NULL,
  hash       bytea NOT NULL CHECK (length(hash) = 32),
  path       bytea NOT NULL CHECK (length(path) % 32 = 0),
  PRIMARY KEY (session_id, number)
);
CREATE UNIQUE INDEX idx_activity_checkpoint_heads_leaf ON activity_checkpoint_heads (number, leaf);

-- The newest link that a checkpoint contains.
ALTER TABLE activity_chains ADD COLUMN checkpointed_sequence bigint NOT NULL DEFAULT 0;
