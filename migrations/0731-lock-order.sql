-- The rows of several participants are locked in the order of their ids, as the sweeps do. In another order, the end or the expiry of
-- a session could deadlock with a sweep that gives slots back.

-- Ends an active session that has not expired and returns its new row; for any other session it returns null. It locks
-- the session's row before it frees the slots, so that a concurrent join cannot keep one.
CREATE OR REPLACE FUNCTION end_session(session_uuid uuid, new_status text, inactive_for interval, at_time timestamptz)
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
  PERFORM FROM session_participants p
    WHERE p.session_id = session_uuid AND p.left_at IS NULL ORDER BY p.id FOR NO KEY UPDATE;
  UPDATE session_participants p
    SET left_at = at_time, left_cause = 'session_ended'
    WHERE p.session_id = session_uuid AND p.left_at IS NULL;
  RETURN session;
END;
$$;

-- Expires at most batch_size sessions without activity for inactive_for, the longest inactive first, and returns their
-- number. If only_these is given, it expires only sessions of that list. It skips rows that another run has locked. The
-- clean-up finds the sessions to announce by expiry_announced_at.
CREATE OR REPLACE FUNCTION cleanup_inactive_sessions(
  inactive_for interval DEFAULT '1 hour',
  batch_size integer DEFAULT 1000,
  at_time timestamptz DEFAULT now(),
  only_these uuid[] DEFAULT NULL
) RETURNS integer
LANGUAGE sql VOLATILE AS $$
  WITH due AS (
    SELECT s.id FROM collaboration_sessions s
    WHERE s.status = 'active'
      AND s.last_active_at <= at_time - inactive_for
      AND s.start_time <= at_time - inactive_for
      AND (only_these IS NULL OR s.id = ANY (only_these))
      AND NOT EXISTS (
        SELECT FROM session_participants p
        WHERE p.session_id = s.id AND p.left_at IS NULL AND p.last_seen_at > at_time - inactive_for)
    ORDER BY s.last_active_at
    LIMIT batch_size
    FOR NO KEY UPDATE SKIP LOCKED
  ), expired AS (
    UPDATE collaboration_sessions s
    SET status = 'expired', active = false, end_time = at_time, updated_at = at_time, expiry_announced_at = NULL
    FROM due WHERE s.id = due.id
    RETURNING s.id
  ), locked AS (
    SELECT p.id FROM session_participants p JOIN expired ON p.session_id = expired.id
    WHERE p.left_at IS NULL ORDER BY p.id FOR NO KEY UPDATE OF p
  ), emptied AS (
    UPDATE session_participants p
    SET is_active = false, left_at = at_time, left_cause = 'session_expired'
    FROM locked WHERE p.id = locked.id AND p.left_at IS NULL
  )
  SELECT count(*)::integer FROM expired;
$$;
