-- The keys with which programs use the server API. A key is shown once and stored as a hash: its secret has 256 random bits, so a
-- plain SHA-256 cannot be reversed. A revoked key stays, so that the audit trail can name it.
CREATE TABLE server_keys (
  -- The public part of the key, which logs and the audit trail name.
  id           text PRIMARY KEY,
  name         text NOT NULL,
  secret_hash  bytea NOT NULL CHECK (length(secret_hash) = 32),
  scopes       text[] NOT NULL CHECK (cardinality(scopes) > 0),
  -- The keys of the application whose sessions it may use, in the form of the access claim: a name that ends in `*` covers all that
  -- begin with it.
  sessions     text[] NOT NULL CHECK (cardinality(sessions) > 0),
  -- The user who created it; null for the command line. The row has no foreign key, because an administrator need not be a user here.
  created_by   uuid,
  created_at   timestamptz(3) NOT NULL,
  expires_at   timestamptz(3),
  revoked_by   uuid,
  revoked_at   timestamptz(3),
  -- Exact to a minute.
  last_used_at timestamptz(3)
);

-- A later migration grants the other rights; on a new database it has not run yet.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'rollcall_service') THEN
    CREATE ROLE rollcall_service NOLOGIN;
  END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
  NULL; -- Another database created it at the same time.
END $$;

GRANT SELECT, INSERT, UPDATE ON server_keys TO rollcall_service;
