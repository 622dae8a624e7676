-- Ends an active session that has not expired and returns its new row; for any other session it returns null. It locks
-- the session's row before it frees the slots, so that a concurrent join cannot keep one.
CREATE FUNCTION end_session(session_uuid uuid, new_status text, inactive_for interval, at_time timestamptz)
RETURNS collaboration_sessions
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  session collaboration_sessions;
BEGIN
  SELECT * INTO session FROM collaboration_sessions s WHERE s.id = session_uuid FOR NO KEY UPDATE;
  IF session.id IS NULL OR session.status <> 'active' OR at_time - session_last_activity(session) >= inactive_for THEN
    RETURN NULL;
  END IF;
  UPDATE collaboration_sessions s
    SET status = new_status, active = false, end_time = at_time, updated_at = at_time
    WHERE s.id = session_uuid RETURNING * INTO session;
  UPDATE session_participants p
    SET left_at = at_time, left_cause = 'session_ended'
    WHERE p.session_id = session_uuid AND p.left_at IS NULL;
  RETURN session;
END;
$$;
