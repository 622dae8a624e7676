-- Everything durable. Who is present right now is in Redis, not here.
-- Times have millisecond precision, as everywhere in the product, so that a time read and sent back compares equal.

CREATE TABLE users (
  id          uuid PRIMARY KEY,
  -- What the identity provider calls the user; null where its subject is the id itself.
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
  -- Liveness: another axis than status. A sign of life revives it; it never revives a status.
  active              boolean NOT NULL DEFAULT true,
  last_active_at      timestamptz(3) NOT NULL DEFAULT now(),
  updated_at          timestamptz(3) NOT NULL DEFAULT now(),
  -- When the participants were warned of the coming expiry, and when they were told of the expiry itself.
  warned_at           timestamptz(3),
  expiry_announced_at timestamptz(3),
  CHECK (status <> 'active' OR end_time IS NULL)
);

CREATE TABLE session_participants (
  id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  session_id      uuid NOT NULL REFERENCES collaboration_sessions (id) ON DELETE CASCADE,
  user_id         uuid REFERENCES users (id),
  anonymous_id    uuid,
  -- The one of the two that is set: what the product calls the participant's user id.
  person_id       uuid NOT NULL GENERATED ALWAYS AS (coalesce(user_id, anonymous_id)) STORED,
  name            text,
  role            text NOT NULL DEFAULT 'viewer' CHECK (role IN ('viewer', 'commenter', 'operator')),
  is_active       boolean NOT NULL DEFAULT true,
  joined_at       timestamptz(3) NOT NULL DEFAULT now(),
  -- The newest join, a second tab's included: a leave from before it no longer counts.
  last_joined_at  timestamptz(3),
  last_seen_at    timestamptz(3),
  left_at         timestamptz(3),
  -- Why the participant left. 'removed' takes the right to return; every other cause keeps it.
  left_cause      text,
  -- When the owner last chose this role: an invite made before that cannot raise it again.
  role_decided_at timestamptz(3),
  CHECK (num_nonnulls(user_id, anonymous_id) = 1),
  CHECK (is_active = (left_at IS NULL))
);

-- An audit row outlives the session it is about, arrives late when PostgreSQL was away, and may name a guest, who is
-- nobody in users. So session_id and user_id point at what was, without a foreign key that would refuse the row or
-- delete it.
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
  -- SHA-256 of the invite: the table alone lets nobody in.
  token_hash bytea NOT NULL UNIQUE CHECK (length(token_hash) = 32),
  role       text NOT NULL CHECK (role IN ('viewer', 'commenter', 'operator')),
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  expires_at timestamptz(3) NOT NULL,
  -- Null: as often as one likes until it expires.
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

-- What remains of a purged session while its audit trail is kept: whose it was, so that the owner can still read it.
CREATE TABLE purged_sessions (
  id           uuid PRIMARY KEY,
  session_id   varchar(255) NOT NULL UNIQUE,
  operation_id varchar(255) NOT NULL,
  owner_id     uuid NOT NULL,
  purged_at    timestamptz(3) NOT NULL
);
