-- The access claim of a token decides alone which sessions its holder may join, and in which role [SE12]. What it gives ends with
-- the token. So a participant's row keeps the role that the person has without a claim.
ALTER TABLE session_participants
  -- Whether an access claim gave the role.
  ADD COLUMN by_claim boolean NOT NULL DEFAULT false,
  -- The role without the claim; null if there is none. It counts only with by_claim.
  ADD COLUMN own_role text CHECK (own_role IN ('viewer', 'commenter', 'operator')),
  -- When the person was removed, if a claim let them in again. An invite from before does not let them in.
  ADD COLUMN removed_at timestamptz(3);

-- Finds the sessions that a claim covers, by key or by the beginning of a key. A claim may cover all keys; then the newest
-- sessions are listed.
CREATE INDEX idx_sessions_operation ON collaboration_sessions (operation_id text_pattern_ops);
CREATE INDEX idx_sessions_newest ON collaboration_sessions (start_time DESC, id DESC);

-- The role that a claim gives in the sessions of an operation; null if it does not cover it. The same rule is `claimedRole` in
-- protocol/access-claim.ts; a test compares the two.
CREATE FUNCTION claimed_role(claim jsonb, operation text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT entry.value FROM jsonb_each_text(claim) entry
  WHERE entry.key = operation OR (right(entry.key, 1) = '*' AND starts_with(operation, left(entry.key, -1)))
  ORDER BY entry.key = operation DESC, length(entry.key) DESC LIMIT 1;
$$;

CREATE OR REPLACE FUNCTION invite_refusal(invite session_invites, stay session_participants, at_time timestamptz) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
    WHEN invite.id IS NULL THEN 'unknown'
    WHEN invite.revoked_at IS NOT NULL THEN 'revoked'
    WHEN invite.expires_at <= at_time THEN 'expired'
    -- A removed person needs an invite that is newer than the removal.
    WHEN invite.created_at <= CASE WHEN stay.left_cause = 'removed' THEN stay.left_at ELSE stay.removed_at END THEN 'removed'
    WHEN invite.uses >= invite.max_uses THEN 'used_up'
  END;
$$;

DROP FUNCTION join_session;

-- Joins a person to a session, or returns why not, in one round trip.
--
-- It locks the session's row first. Each later statement sees what others committed before, so if two people race for
-- the last slot, the second one counts the first. Exactly one of session_uuid and session_name names the session, and
-- exactly one of person_user and person_guest the person. If the owner grants the slot, the person needs no permission
-- of their own, but a free slot like all others. An access claim decides alone; the person brings no invite then.
--
-- Of a session that the person may not see, the result does not tell its state [SE13].
CREATE FUNCTION join_session(
  session_uuid uuid, session_name text,
  person_user uuid, person_guest uuid, person_name text, person_external text,
  invite_uuid uuid, invite_hash bytea,
  granted boolean, granted_role text,
  inactive_for interval, at_time timestamptz, access_claim jsonb DEFAULT NULL
) RETURNS jsonb
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  session collaboration_sessions;
  stay session_participants;
  invite session_invites;
  refusal text;
  is_owner boolean;
  is_member boolean;
  has_slot boolean;
  invite_used boolean := false;
  -- The role by the claim, and the role that the person has without it.
  role_by_claim text;
  role_of_own text;
  removal timestamptz;
  new_role text;
BEGIN
  IF session_uuid IS NOT NULL THEN
    SELECT * INTO session FROM collaboration_sessions s WHERE s.id = session_uuid FOR NO KEY UPDATE;
  ELSE
    SELECT * INTO session FROM collaboration_sessions s WHERE s.session_id = session_name FOR NO KEY UPDATE;
  END IF;
  role_by_claim := claimed_role(access_claim, session.operation_id);
  IF session.id IS NULL OR (access_claim IS NOT NULL AND role_by_claim IS NULL) THEN
    RETURN jsonb_build_object('outcome', 'not_found');
  END IF;

  SELECT * INTO stay FROM session_participants p
    WHERE p.session_id = session.id AND p.person_id = coalesce(person_user, person_guest)
    ORDER BY p.left_at IS NULL DESC, p.joined_at DESC LIMIT 1;
  has_slot := stay.id IS NOT NULL AND stay.left_at IS NULL;
  removal := CASE WHEN stay.left_cause = 'removed' THEN stay.left_at ELSE stay.removed_at END;
  role_of_own := CASE WHEN stay.left_cause = 'removed' THEN NULL WHEN stay.by_claim THEN stay.own_role ELSE stay.role END;
  is_member := role_of_own IS NOT NULL;
  is_owner := coalesce(session.owner_id = person_user, false);
  IF invite_uuid IS NOT NULL THEN
    SELECT * INTO invite FROM session_invites i
      WHERE i.id = invite_uuid AND i.session_id = session.id AND i.token_hash = invite_hash FOR NO KEY UPDATE;
    refusal := invite_refusal(invite, stay, at_time);
    -- A guest who returns was counted when they first joined.
    IF refusal = 'used_up' AND is_member AND person_guest IS NOT NULL THEN
      refusal := NULL;
    END IF;
  END IF;

  IF NOT (granted OR role_by_claim IS NOT NULL OR invite.id IS NOT NULL
      OR (person_user IS NOT NULL AND (is_owner OR is_member OR session.is_public))) THEN
    RETURN jsonb_build_object('outcome', 'denied', 'sessionId', session.id, 'inviteRefusal', refusal,
      'removed', removal IS NOT NULL);
  END IF;
  IF session.status IN ('completed', 'failed') THEN
    RETURN jsonb_build_object('outcome', 'ended', 'sessionId', session.id);
  END IF;
  IF session.status = 'expired' OR at_time - session_last_activity(session) >= inactive_for THEN
    RETURN jsonb_build_object('outcome', 'expired', 'sessionId', session.id);
  END IF;
  -- A guest needs a valid invite for each join. A user may also have permission of their own.
  IF NOT (granted OR role_by_claim IS NOT NULL OR (invite.id IS NOT NULL AND refusal IS NULL)
      OR (person_user IS NOT NULL AND (is_owner OR is_member OR session.is_public))) THEN
    RETURN jsonb_build_object('outcome', 'denied', 'sessionId', session.id, 'inviteRefusal', refusal);
  END IF;
  IF NOT has_slot AND session.max_participants <= (
      SELECT count(*) FROM session_participants p WHERE p.session_id = session.id AND p.left_at IS NULL) THEN
    RETURN jsonb_build_object('outcome', 'full', 'sessionId', session.id,
      'maxParticipants', session.max_participants, 'inviteRefusal', refusal);
  END IF;

  new_role := CASE WHEN is_owner THEN 'operator' WHEN is_member THEN role_of_own ELSE 'viewer' END;
  IF role_by_claim IS NOT NULL THEN
    new_role := role_by_claim;
  ELSIF granted THEN
    new_role := CASE WHEN is_owner THEN 'operator' ELSE coalesce(granted_role, new_role) END;
  ELSIF invite.id IS NOT NULL AND refusal IS NULL AND NOT is_owner THEN
    invite_used := NOT is_member;
    IF role_rank(invite.role) > role_rank(new_role)
        AND (NOT is_member OR stay.role_decided_at IS NULL OR invite.created_at > stay.role_decided_at)
        AND (invite_used OR coalesce(invite.uses < invite.max_uses, true)) THEN
      new_role := invite.role;
      invite_used := true;
    END IF;
  END IF;

  IF person_user IS NOT NULL THEN
    PERFORM ensure_user(person_user, person_external, person_name, at_time);
  END IF;
  IF stay.id IS NULL THEN
    INSERT INTO session_participants
      (session_id, user_id, anonymous_id, name, role, by_claim, joined_at, last_joined_at, last_seen_at, role_decided_at)
    VALUES (session.id, person_user, person_guest,
      coalesce(person_name, (SELECT u.username FROM users u WHERE u.id = person_user)), new_role,
      role_by_claim IS NOT NULL, at_time, at_time, at_time, CASE WHEN granted_role IS NOT NULL THEN at_time END)
    RETURNING * INTO stay;
  ELSE
    UPDATE session_participants p SET
      left_at = NULL, name = coalesce(person_name, p.name), role = new_role,
      by_claim = role_by_claim IS NOT NULL,
      own_role = CASE WHEN role_by_claim IS NOT NULL THEN role_of_own END,
      removed_at = CASE WHEN role_by_claim IS NOT NULL THEN removal END,
      joined_at = CASE WHEN has_slot THEN p.joined_at ELSE at_time END,
      last_joined_at = greatest(p.last_joined_at, at_time),
      last_seen_at = greatest(p.last_seen_at, at_time),
      role_decided_at = CASE WHEN granted_role IS NOT NULL THEN at_time WHEN is_member THEN p.role_decided_at END
    WHERE p.id = stay.id RETURNING * INTO stay;
  END IF;
  IF invite_used THEN
    UPDATE session_invites i SET uses = i.uses + 1 WHERE i.id = invite.id;
  END IF;
  UPDATE collaboration_sessions s SET
    active = true, last_active_at = greatest(s.last_active_at, at_time), updated_at = greatest(s.updated_at, at_time)
  WHERE s.id = session.id;

  RETURN jsonb_build_object('outcome', 'joined', 'activated', NOT has_slot, 'revived', NOT session.active,
    'inviteUsed', CASE WHEN invite_used THEN invite.id END, 'inviteRefusal', refusal,
    'participant', to_jsonb(stay),
    'session', (SELECT to_jsonb(s) FROM collaboration_sessions s WHERE s.id = session.id));
END;
$$;
