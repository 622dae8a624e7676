-- Inserts a user or updates their name. Without a name, the known name is kept.
CREATE FUNCTION ensure_user(user_id uuid, external_id text, username text, at_time timestamptz) RETURNS users
LANGUAGE sql VOLATILE AS $$
  INSERT INTO users AS u (id, external_id, username, created_at, updated_at)
  VALUES (ensure_user.user_id, ensure_user.external_id,
    coalesce(ensure_user.username, 'User ' || left(ensure_user.user_id::text, 8)), at_time, at_time)
  ON CONFLICT (id) DO UPDATE
    SET username = coalesce(ensure_user.username, u.username),
      external_id = coalesce(excluded.external_id, u.external_id),
      updated_at = at_time
    WHERE u.username <> ensure_user.username
      OR (excluded.external_id IS NOT NULL AND u.external_id IS DISTINCT FROM excluded.external_id);
  SELECT * FROM users u WHERE u.id = ensure_user.user_id;
$$;

CREATE FUNCTION role_rank(role text) RETURNS integer
LANGUAGE sql IMMUTABLE AS $$ SELECT array_position(ARRAY['viewer', 'commenter', 'operator'], role); $$;

-- Why this invite does not admit this person at this time; null if it does.
CREATE FUNCTION invite_refusal(invite session_invites, stay session_participants, at_time timestamptz) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
    WHEN invite.id IS NULL THEN 'unknown'
    WHEN invite.revoked_at IS NOT NULL THEN 'revoked'
    WHEN invite.expires_at <= at_time THEN 'expired'
    -- A removed person needs an invite that is newer than the removal.
    WHEN stay.left_cause = 'removed' AND invite.created_at <= stay.left_at THEN 'removed'
    WHEN invite.uses >= invite.max_uses THEN 'used_up'
  END;
$$;

-- Joins a person to a session, or returns why not, in one round trip.
--
-- It locks the session's row first. Each later statement sees what others committed before, so if two people race for
-- the last slot, the second one counts the first. Exactly one of session_uuid and session_name names the session, and
-- exactly one of person_user and person_guest the person. If the owner grants the slot, the person needs no permission
-- of their own, but a free slot like all others.
CREATE FUNCTION join_session(
  session_uuid uuid, session_name text,
  person_user uuid, person_guest uuid, person_name text, person_external text,
  invite_uuid uuid, invite_hash bytea,
  granted boolean, granted_role text,
  inactive_for interval, at_time timestamptz
) RETURNS jsonb
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  session collaboration_sessions;
  stay session_participants;
  invite session_invites;
  refusal text;
  is_owner boolean;
  is_member boolean;
  has_place boolean;
  invite_used boolean := false;
  new_role text;
BEGIN
  IF session_uuid IS NOT NULL THEN
    SELECT * INTO session FROM collaboration_sessions s WHERE s.id = session_uuid FOR NO KEY UPDATE;
  ELSE
    SELECT * INTO session FROM collaboration_sessions s WHERE s.session_id = session_name FOR NO KEY UPDATE;
  END IF;
  IF session.id IS NULL THEN
    RETURN jsonb_build_object('outcome', 'not_found');
  END IF;
  IF session.status IN ('completed', 'failed') THEN
    RETURN jsonb_build_object('outcome', 'ended', 'sessionId', session.id);
  END IF;
  IF session.status = 'expired' OR at_time - session_last_activity(session) >= inactive_for THEN
    RETURN jsonb_build_object('outcome', 'expired', 'sessionId', session.id);
  END IF;

  SELECT * INTO stay FROM session_participants p
    WHERE p.session_id = session.id AND p.person_id = coalesce(person_user, person_guest)
    ORDER BY p.left_at IS NULL DESC, p.joined_at DESC LIMIT 1;
  has_place := stay.id IS NOT NULL AND stay.left_at IS NULL;
  is_member := stay.id IS NOT NULL AND stay.left_cause IS DISTINCT FROM 'removed';
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

  -- A guest needs a valid invite for each join. A user may also have permission of their own.
  IF NOT (granted OR (invite_uuid IS NOT NULL AND refusal IS NULL)
      OR (person_user IS NOT NULL AND (is_owner OR is_member OR session.is_public))) THEN
    RETURN jsonb_build_object('outcome', 'denied', 'sessionId', session.id, 'inviteRefusal', refusal);
  END IF;
  IF NOT has_place AND session.max_participants <= (
      SELECT count(*) FROM session_participants p WHERE p.session_id = session.id AND p.left_at IS NULL) THEN
    RETURN jsonb_build_object('outcome', 'full', 'sessionId', session.id,
      'maxParticipants', session.max_participants, 'inviteRefusal', refusal);
  END IF;

  new_role := CASE WHEN is_owner THEN 'operator' WHEN is_member THEN stay.role ELSE 'viewer' END;
  IF granted THEN
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
      (session_id, user_id, anonymous_id, name, role, joined_at, last_joined_at, last_seen_at, role_decided_at)
    VALUES (session.id, person_user, person_guest,
      coalesce(person_name, (SELECT u.username FROM users u WHERE u.id = person_user)), new_role, at_time, at_time, at_time,
      CASE WHEN granted_role IS NOT NULL THEN at_time END)
    RETURNING * INTO stay;
  ELSE
    UPDATE session_participants p SET
      left_at = NULL, name = coalesce(person_name, p.name), role = new_role,
      joined_at = CASE WHEN has_place THEN p.joined_at ELSE at_time END,
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

  RETURN jsonb_build_object('outcome', 'joined', 'activated', NOT has_place, 'revived', NOT session.active,
    'inviteUsed', CASE WHEN invite_used THEN invite.id END, 'inviteRefusal', refusal,
    'participant', to_jsonb(stay),
    'session', (SELECT to_jsonb(s) FROM collaboration_sessions s WHERE s.id = session.id));
END;
$$;
