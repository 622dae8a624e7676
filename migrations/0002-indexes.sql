CREATE INDEX idx_users_external_id ON users (external_id) WHERE external_id IS NOT NULL;

CREATE INDEX idx_activity_session ON activity_log (session_id, created_at DESC);
-- Retention deletes the oldest rows of all sessions.
CREATE INDEX idx_activity_created_at ON activity_log (created_at);

-- The newest sign of life of a session's active participants is read from one entry of this index.
CREATE INDEX idx_session_participants_last_seen ON session_participants (session_id, last_seen_at DESC)
  WHERE left_at IS NULL;
-- At most one slot per person and session, also when requests race [SE3].
CREATE UNIQUE INDEX idx_participants_place ON session_participants (session_id, person_id) WHERE left_at IS NULL;
-- Finds a person's access to a session, also from past stays.
CREATE INDEX idx_participants_standing ON session_participants (session_id, person_id, joined_at DESC);
-- All sessions of a user.
CREATE INDEX idx_participants_user ON session_participants (user_id, session_id) WHERE user_id IS NOT NULL;
-- Finds the active participants. This index is created last because it is the smallest: of indexes with equal costs the
-- planner uses the newest.
CREATE INDEX idx_participants_active ON session_participants (session_id) WHERE left_at IS NULL;

CREATE INDEX idx_collaboration_sessions_updated_at ON collaboration_sessions (updated_at);
CREATE INDEX idx_sessions_owner ON collaboration_sessions (owner_id, start_time DESC, id DESC);
-- The clean-up reads sessions in the order in which they expire.
CREATE INDEX idx_sessions_expiring ON collaboration_sessions (last_active_at) WHERE status = 'active';
-- The clean-up announces the sessions that expired.
CREATE INDEX idx_sessions_unannounced ON collaboration_sessions (end_time)
  WHERE status = 'expired' AND expiry_announced_at IS NULL;
-- The clean-up purges the sessions that ended long ago.
CREATE INDEX idx_sessions_ended ON collaboration_sessions (end_time) WHERE status <> 'active';
-- Live sessions without a recent sign of life.
CREATE INDEX idx_sessions_live ON collaboration_sessions (last_active_at) WHERE active;

CREATE INDEX idx_invites_session ON session_invites (session_id);

CREATE INDEX idx_machines_owner ON machines (owner_id, machine_id);
CREATE INDEX idx_machines_live ON machines (last_active_at) WHERE active;

CREATE INDEX idx_purged_sessions_purged_at ON purged_sessions (purged_at);
