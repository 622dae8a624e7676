-- The durable data. Presence is in Redis, not here. Times have millisecond precision, as everywhere in the product, so
-- that a time stays equal after a round trip.

CREATE TABLE users (
  id          uuid PRIMARY KEY,
  -- The subject of the user at the identity provider; null if the subject is the id itself.
  external_id text,
  username    text NOT NULL,
  created_at  timestamptz(3) NOT NULL DEFAULT now(),
  updated_at  timestamptz(3) NOT NULL DEFAULT now()
);

CREATE TABLE collaboration_sessions (
  id                  uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  operation_id        varchar(255) NOT NULL,
  session_id          varchar(255) NOT NULL UNIQUE,
  owner_id            uuid NOT NULL REFERENCES users (id),
  status              text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'completed', 'failed', 'expired')),
  target              varchar(500),
  objective           text,
  is_public           boolean NOT NULL DEFAULT false,
  max_participants    integer NOT NULL DEFAULT 50 CHECK (max_participants BETWEEN 1 AND 1000),
  metadata            jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object'),
  start_time          timestamptz(3) NOT NULL DEFAULT now(),
  end_time            timestamptz(3),
  -- Liveness is independent of the status. A sign of life can restore it, but not an ended session [SE4].
  active              boolean NOT NULL DEFAULT true,
  last_active_at      timestamptz(3) NOT NULL DEFAULT now(),
  updated_at          timestamptz(3) NOT NULL DEFAULT now(),
  -- When the participants were sent session_expiring and session_expired.
  warned_at           timestamptz(3),
  expiry_announced_at timestamptz(3),
  CHECK (status <> 'active' OR end_time IS NULL)
);

CREATE TABLE session_participants (
  id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  session_id      uuid NOT NULL REFERENCES collaboration_sessions (id) ON DELETE CASCADE,
  user_id         uuid REFERENCES users (id),
  anonymous_id    uuid,
  -- user_id or anonymous_id, whichever is set. The product calls it the participant's user id.
  person_id       uuid NOT NULL GENERATED ALWAYS AS (coalesce(user_id, anonymous_id)) STORED,
  name            text,
  role            text NOT NULL DEFAULT 'viewer' CHECK (role IN ('viewer', 'commenter', 'operator')),
  is_active       boolean NOT NULL DEFAULT true,
  joined_at       timestamptz(3) NOT NULL DEFAULT now(),
  -- The newest join, also of a second tab. A leave that happened before it is ignored.
  last_joined_at  timestamptz(3),
  last_seen_at    timestamptz(3),
  left_at         timestamptz(3),
  -- Why the participant left. After 'removed' they may not return; after any other cause they may.
  left_cause      text,
  -- When the owner last set this role. An older invite cannot raise it again.
  role_decided_at timestamptz(3),
  CHECK (num_nonnulls(user_id, anonymous_id) = 1),
  CHECK (is_active = (left_at IS NULL))
);

-- An entry of the audit trail outlives its session, may arrive late after PostgreSQL was away, and may name a guest,
-- who has no row in users. So session_id and user_id have no foreign key, which would refuse or delete the entry.
CREATE TABLE activity_log (
  id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  session_id    uuid NOT NULL,
  user_id       uuid,
  activity_type varchar(100) NOT NULL,
  details       jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(details) = 'object'),
  ip_address    inet,
  user_agent    text,
  created_at    timestamptz(3) NOT NULL DEFAULT now()
);

CREATE TABLE session_invites (
  id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  session_id uuid NOT NULL REFERENCES collaboration_sessions (id) ON DELETE CASCADE,
  created_by uuid NOT NULL REFERENCES users (id),
  -- SHA-256 of the invite, so that a copy of the table cannot be used to join.
  token_hash bytea NOT NULL UNIQUE CHECK (length(token_hash) = 32),
  role       text NOT NULL CHECK (role IN ('viewer', 'commenter', 'operator')),
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  expires_at timestamptz(3) NOT NULL,
  -- Null: no limit until the invite expires.
  max_uses   integer CHECK (max_uses > 0),
  uses       integer NOT NULL DEFAULT 0 CHECK (uses >= 0 AND uses <= coalesce(max_uses, uses)),
  revoked_at timestamptz(3)
);

CREATE TABLE machines (
  machine_id     varchar(255) PRIMARY KEY,
  owner_id       uuid NOT NULL REFERENCES users (id),
  name           text NOT NULL,
  metadata       jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object'),
  active         boolean NOT NULL DEFAULT true,
  last_active_at timestamptz(3) NOT NULL DEFAULT now(),
  created_at     timestamptz(3) NOT NULL DEFAULT now(),
  updated_at     timestamptz(3) NOT NULL DEFAULT now()
);

-- The owners of purged sessions, so that an owner can read the audit trail as long as it is kept.
CREATE TABLE purged_sessions (
  id           uuid PRIMARY KEY,
  session_id   varchar(255) NOT NULL UNIQUE,
  operation_id varchar(255) NOT NULL,
  owner_id     uuid NOT NULL,
  purged_at    timestamptz(3) NOT NULL
);
