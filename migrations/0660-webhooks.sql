-- Webhooks: events of the audit trail that are sent to endpoints of the application [WH1]. An event is queued in the statement that
-- writes its entry. So it is queued if and only if the entry is written, also when the outbox is replayed.
CREATE TABLE webhook_endpoints (
  id              uuid PRIMARY KEY,
  url             text NOT NULL,
  description     text NOT NULL DEFAULT '',
  event_types     text[] NOT NULL CHECK (cardinality(event_types) > 0),
  -- Only this session, or only sessions with this key; a pattern that ends in * covers all keys that begin so. Null: all.
  session_id      uuid,
  key_pattern     text,
  enabled         boolean NOT NULL DEFAULT true,
  -- Why the service disabled it: 'gone' after the answer 410, 'failing' after days without a success. Null: an admin did.
  disabled_cause  text CHECK (disabled_cause IN ('gone', 'failing')),
  -- The secrets are encrypted. The previous one signs as well until its end.
  secret          bytea NOT NULL,
  previous_secret bytea,
  previous_until  timestamptz(3),
  failing_since   timestamptz(3),
  last_success_at timestamptz(3),
  last_failure_at timestamptz(3),
  -- The receiver asked for a pause (Retry-After).
  paused_until    timestamptz(3),
  -- One sender at a time works for an endpoint.
  leased_until    timestamptz(3),
  lease_holder    uuid,
  created_at      timestamptz(3) NOT NULL,
  updated_at      timestamptz(3) NOT NULL,
  CHECK (enabled <= (disabled_cause IS NULL)),
  CHECK ((previous_secret IS NULL) = (previous_until IS NULL))
);

-- The content of an event is its entry in the audit trail, so these rows name nobody. There is no foreign key to the endpoint: an
-- endpoint that is deleted at the same time must not make the statement fail that writes the entry.
CREATE TABLE webhook_deliveries (
  endpoint_id     uuid NOT NULL,
  -- The id of the entry. A test has no entry.
  event_id        uuid NOT NULL,
  event_type      text NOT NULL,
  state           text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'dead')),
  attempts        integer NOT NULL DEFAULT 0,
  queued_at       timestamptz(3) NOT NULL,
  next_attempt_at timestamptz(3) NOT NULL,
  last_attempt_at timestamptz(3),
  finished_at     timestamptz(3),
  last_status     integer,
  last_error      text,
  -- The beginning of the last answer.
  last_response   text,
  PRIMARY KEY (endpoint_id, event_id),
  CHECK ((state = 'pending') = (finished_at IS NULL))
);
CREATE INDEX idx_webhook_deliveries_due ON webhook_deliveries (endpoint_id, next_attempt_at) WHERE state = 'pending';
CREATE INDEX idx_webhook_deliveries_newest ON webhook_deliveries (endpoint_id, queued_at DESC, event_id DESC);
CREATE INDEX idx_webhook_deliveries_dead ON webhook_deliveries (endpoint_id, queued_at DESC, event_id DESC) WHERE state = 'dead';
-- Retention deletes what was finished long ago.
CREATE INDEX idx_webhook_deliveries_finished ON webhook_deliveries (finished_at) WHERE state <> 'pending';

-- The event type of an entry; null for entries that are not sent. protocol/webhooks.ts has the same table; a test compares the two.
CREATE FUNCTION webhook_event_type(activity_type text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE activity_type
    WHEN 'user_joined' THEN 'user.joined'
    WHEN 'user_left' THEN 'user.left'
    WHEN 'user_timeout' THEN 'user.left'
    WHEN 'session_created' THEN 'session.created'
    WHEN 'session_ended' THEN 'session.ended'
    WHEN 'session_expired' THEN 'session.expired'
    WHEN 'session_recovered' THEN 'session.recovered'
  END;
$$;

-- Whether an endpoint wants the events of a session. The key of a purged session is still known.
CREATE FUNCTION webhook_wants(endpoint webhook_endpoints, event_type text, session uuid) RETURNS boolean
LANGUAGE sql STABLE AS $$
  SELECT event_type = ANY (endpoint.event_types)
    AND (endpoint.session_id IS NULL OR endpoint.session_id = session)
    AND (endpoint.key_pattern IS NULL OR EXISTS (
      SELECT FROM (
        SELECT s.key FROM collaboration_sessions s WHERE s.id = session
        UNION ALL SELECT p.key FROM purged_sessions p WHERE p.id = session
      ) known
      WHERE known.key = endpoint.key_pattern
        OR (right(endpoint.key_pattern, 1) = '*' AND starts_with(known.key, left(endpoint.key_pattern, -1)))));
$$;

CREATE FUNCTION queue_webhooks() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM webhook_endpoints WHERE enabled) THEN
    RETURN NULL;
  END IF;
  INSERT INTO webhook_deliveries (endpoint_id, event_id, event_type, queued_at, next_attempt_at)
  SELECT e.id, w.id, webhook_event_type(w.activity_type), now(), now()
  FROM written w CROSS JOIN webhook_endpoints e
  WHERE e.enabled AND webhook_event_type(w.activity_type) IS NOT NULL
    AND webhook_wants(e, webhook_event_type(w.activity_type), w.session_id)
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END;
$$;

CREATE TRIGGER queue_webhooks AFTER INSERT ON activity_log
  REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION queue_webhooks();

-- A later migration grants the other rights; on a new database it has not run yet.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'rollcall_service') THEN
    CREATE ROLE rollcall_service NOLOGIN;
  END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
  NULL; -- Another database created it at the same time.
END $$;

GRANT SELECT, INSERT, UPDATE, DELETE ON webhook_endpoints, webhook_deliveries TO rollcall_service;
