-- The last activity of a session: the newest of its creation, its last recorded sign of life and that of an active
-- participant. All tests for expiry, here and in the product, use this time [SE5].
CREATE FUNCTION session_last_activity(session collaboration_sessions) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
  SELECT greatest(session.start_time, session.last_active_at, (
    SELECT max(p.last_seen_at) FROM session_participants p
    WHERE p.session_id = session.id AND p.left_at IS NULL));
$$;

-- Whether a session is expired: it has that status, or it was inactive for inactive_for. An ended session is not
-- expired. For an unknown session the answer is null.
CREATE FUNCTION check_session_expiry(
  session_id_param uuid,
  inactive_for interval DEFAULT '1 hour',
  at_time timestamptz DEFAULT now()
) RETURNS boolean
LANGUAGE sql STABLE AS $$
  SELECT s.status = 'expired'
    OR (s.status = 'active' AND at_time - session_last_activity(s) >= inactive_for)
  FROM collaboration_sessions s WHERE s.id = session_id_param;
$$;

-- Expires at most batch_size sessions without activity for inactive_for, the longest inactive first, and returns their
-- number. If only_these is given, it expires only sessions of that list. It skips rows that another run has locked. The
-- clean-up finds the sessions to announce by expiry_announced_at.
CREATE FUNCTION cleanup_inactive_sessions(
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
  ), emptied AS (
    UPDATE session_participants p
    SET is_active = false, left_at = at_time, left_cause = 'session_expired'
    FROM expired WHERE p.session_id = expired.id AND p.left_at IS NULL
  )
  SELECT count(*)::integer FROM expired;
$$;
