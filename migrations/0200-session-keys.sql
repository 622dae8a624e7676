-- A session may be about something that the application knows by an id of its own: its key. Of all sessions with one key
-- at most one is active, also when many open the key at the same time [SE11].
ALTER TABLE collaboration_sessions ADD COLUMN key varchar(255) CHECK (key <> '');
ALTER TABLE purged_sessions ADD COLUMN key varchar(255);

CREATE UNIQUE INDEX idx_sessions_live_key ON collaboration_sessions (key) WHERE status = 'active' AND key IS NOT NULL;
-- All sessions of a key, newest first.
CREATE INDEX idx_sessions_key ON collaboration_sessions (key, start_time DESC, id DESC) WHERE key IS NOT NULL;
CREATE INDEX idx_purged_sessions_key ON purged_sessions (key, owner_id) WHERE key IS NOT NULL;

-- Finds the active session of a key or begins one, with its owner in the first slot, in one round trip. A session that was
-- inactive for inactive_for is expired first. Returns {created, id}, or null if the name is taken by another session.
--
-- A concurrent call waits at the unique index until this one commits, and then finds its session.
CREATE FUNCTION open_session(
  session_key text, session_name text,
  owner_uuid uuid, owner_external text, owner_name text,
  session_metadata jsonb, session_public boolean, session_slots integer,
  inactive_for interval, at_time timestamptz
) RETURNS jsonb
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  session collaboration_sessions;
  owner users;
BEGIN
  FOR attempt IN 1..3 LOOP
    -- Without a lock: those who open at once do not wait for one another. The join takes the lock and checks again.
    SELECT * INTO session FROM collaboration_sessions s WHERE s.key = session_key AND s.status = 'active';
    IF session.id IS NOT NULL THEN
      IF at_time - session_last_activity(session) < inactive_for THEN
        RETURN jsonb_build_object('created', false, 'id', session.id);
      END IF;
      PERFORM cleanup_inactive_sessions(inactive_for, 1, at_time, ARRAY[session.id]);
    END IF;

    SELECT * INTO owner FROM ensure_user(owner_uuid, owner_external, owner_name, at_time);
    INSERT INTO collaboration_sessions
      (key, session_id, operation_id, owner_id, target, objective, is_public, max_participants, metadata,
       start_time, last_active_at, updated_at)
    VALUES (session_key, session_name, session_key, owner.id, session_metadata ->> 'target',
      session_metadata ->> 'objective', session_public, session_slots, session_metadata, at_time, at_time, at_time)
    ON CONFLICT DO NOTHING RETURNING * INTO session;
    IF session.id IS NOT NULL THEN
      INSERT INTO session_participants (session_id, user_id, name, role, joined_at, last_seen_at)
      VALUES (session.id, owner.id, owner.username, 'operator', at_time, at_time);
      RETURN jsonb_build_object('created', true, 'id', session.id);
    END IF;
  END LOOP;
  RETURN NULL;
END;
$$;
