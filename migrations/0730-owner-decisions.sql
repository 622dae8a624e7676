-- An invite from before a decision of the owner gives no more than that decision, however often the person joined since [SE8]. So a
-- participant's row keeps the time of the last removal in removed_at, and that of the last decision about the role. A join used to
-- forget both when a removed person returned.

-- Whoever was removed and returned before this migration: the audit trail still has the time. It matters only while an invite is valid.
UPDATE session_participants p SET removed_at = removal.at
FROM (
  SELECT a.session_id, a.details ->> 'targetUserId' AS person_id, max(a.created_at) AS at
  FROM collaboration_sessions s JOIN activity_log a ON a.session_id = s.id
  WHERE s.status IN ('active', 'expired') AND a.activity_type = 'participant_removed'
    AND EXISTS (SELECT FROM session_invites i WHERE i.session_id = s.id AND i.revoked_at IS NULL AND i.expires_at > now())
  GROUP BY a.session_id, a.details ->> 'targetUserId'
) removal
WHERE p.session_id = removal.session_id AND p.person_id::text = removal.person_id
  AND p.left_cause IS DISTINCT FROM 'removed' AND p.removed_at IS NULL;

-- When the owner last removed the person; null if never.
CREATE FUNCTION last_removal(stay session_participants) RETURNS timestamptz
LANGUAGE sql IMMUTABLE AS $$
  SELECT greatest(stay.removed_at, CASE WHEN stay.left_cause = 'removed' THEN stay.left_at END);
$$;

CREATE OR REPLACE FUNCTION invite_refusal(invite session_invites, stay session_participants, at_time timestamptz) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
    WHEN invite.id IS NULL THEN 'unknown'
    WHEN stay.left_cause = 'signed_in' THEN 'signed_in'
    WHEN invite.revoked_at IS NOT NULL THEN 'revoked'
    WHEN invite.expires_at <= at_time THEN 'expired'
    -- A removed person needs an invite that is newer than the removal.
    WHEN invite.created_at <= last_removal(stay) THEN 'removed'
    WHEN invite.uses >= invite.max_uses THEN 'used_up'
  END;
$$;

-- Whether an invite may raise the role of a person: it must be newer than the owner's last decision about it. A guest who signed in
-- is the same person, so a lower role that the owner gave the guest counts, too.
CREATE FUNCTION invite_may_raise(invite session_invites, stay session_participants, person_user uuid) RETURNS boolean
LANGUAGE sql STABLE AS $$
  SELECT coalesce(invite.created_at > stay.role_decided_at, true) AND NOT EXISTS (
    SELECT FROM guest_identities g
    JOIN session_participants p ON p.session_id = g.session_id AND p.person_id = g.guest_id
    WHERE g.session_id = invite.session_id AND g.user_id = person_user
      AND p.role_decided_at >= invite.created_at AND role_rank(p.role) < role_rank(invite.role));
$$;

-- Joins a person to a session, or returns why not, in one round trip.
--
-- It locks the session's row first. Each later statement sees what others committed before, so if two people race for
-- the last slot, the second one counts the first. Then it locks the person's row: a removal, a new role or a leave that is not yet
-- committed is waited for, and decides. All functions lock sessions, participants and invites in this order, and several
-- rows of a table in the order of their ids. Exactly one of session_uuid and session_name names the session, and
-- exactly one of person_user and person_guest the person. If the owner grants the slot, the person needs no permission
-- of their own, but a free slot like all others. An access claim decides alone; the person brings no invite then.
--
-- Of a session that the person may not see, the result does not tell its state [SE13].
CREATE OR REPLACE FUNCTION join_session(
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
    ORDER BY p.left_at IS NULL DESC, p.joined_at DESC LIMIT 1 FOR NO KEY UPDATE;
  has_slot := stay.id IS NOT NULL AND stay.left_at IS NULL;
  removal := last_removal(stay);
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
        AND invite_may_raise(invite, stay, person_user)
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
      removed_at = removal,
      joined_at = CASE WHEN has_slot THEN p.joined_at ELSE at_time END,
      last_joined_at = greatest(p.last_joined_at, at_time),
      last_seen_at = greatest(p.last_seen_at, at_time),
      role_decided_at = CASE WHEN granted_role IS NOT NULL THEN at_time ELSE p.role_decided_at END
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

-- Makes a guest of a session a user, or returns why not. It must run in one transaction with the join of the user: it gives the slot
-- and the role of the guest to the user, and the join decides whether the user may be in the session at all.
--
-- `granted` says whether the user gets the access of the guest. Without it the user needs access of their own. The role of the
-- guest counts like an invite: it raises the role of the user unless the owner decided about the user later.
--
-- `stayEnded` says whether the guest had a slot that the user does not continue, because they have or take one of their own.
CREATE OR REPLACE FUNCTION claim_guest(
  session_uuid uuid, session_name text, guest uuid,
  person_user uuid, person_name text, person_external text,
  invite_uuid uuid, invite_hash bytea, at_time timestamptz
) RETURNS jsonb
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  session collaboration_sessions;
  identity guest_identities;
  guest_stay session_participants;
  stay session_participants;
  invite session_invites;
  refusal text;
  own text;
  has_slot boolean;
BEGIN
  -- The same locks as in join_session, in the same order.
  IF session_uuid IS NOT NULL THEN
    SELECT * INTO session FROM collaboration_sessions s WHERE s.id = session_uuid FOR NO KEY UPDATE;
  ELSE
    SELECT * INTO session FROM collaboration_sessions s WHERE s.session_id = session_name FOR NO KEY UPDATE;
  END IF;
  PERFORM FROM session_participants p
    WHERE p.session_id = session.id AND p.person_id IN (guest, person_user) ORDER BY p.id FOR NO KEY UPDATE;
  SELECT * INTO invite FROM session_invites i
    WHERE i.id = invite_uuid AND i.session_id = session.id AND i.token_hash = invite_hash FOR NO KEY UPDATE;
  IF invite.id IS NULL THEN
    RETURN jsonb_build_object('outcome', 'unknown', 'sessionId', session.id);
  END IF;
  SELECT * INTO identity FROM guest_identities g WHERE g.session_id = session.id AND g.guest_id = guest;
  IF identity.user_id = person_user THEN
    RETURN jsonb_build_object('outcome', 'repeated', 'sessionId', session.id, 'granted', true);
  END IF;
  SELECT * INTO guest_stay FROM session_participants p
    WHERE p.session_id = session.id AND p.anonymous_id = guest
    ORDER BY p.left_at IS NULL DESC, p.joined_at DESC LIMIT 1;
  IF identity.user_id IS NOT NULL OR guest_stay.left_cause = 'signed_in' THEN
    RETURN jsonb_build_object('outcome', 'taken', 'sessionId', session.id);
  ELSIF guest_stay.left_cause = 'removed' THEN
    RETURN jsonb_build_object('outcome', 'removed', 'sessionId', session.id);
  ELSIF guest_stay.id IS NULL THEN
    RETURN jsonb_build_object('outcome', 'absent', 'sessionId', session.id, 'granted', false);
  END IF;

  SELECT * INTO stay FROM session_participants p
    WHERE p.session_id = session.id AND p.user_id = person_user
    ORDER BY p.left_at IS NULL DESC, p.joined_at DESC LIMIT 1;
  refusal := invite_refusal(invite, stay, at_time);
  -- The guest was counted when they first joined.
  IF refusal = 'used_up' THEN
    refusal := NULL;
  END IF;
  INSERT INTO guest_identities (session_id, guest_id, user_id, signed_in_at)
    VALUES (session.id, guest, person_user, at_time);
  UPDATE session_participants p SET left_at = greatest(coalesce(p.left_at, at_time), p.joined_at), left_cause = 'signed_in'
    WHERE p.id = guest_stay.id;
  has_slot := guest_stay.left_at IS NULL;
  IF refusal IS NOT NULL THEN
    RETURN jsonb_build_object('outcome', 'signed_in', 'sessionId', session.id, 'granted', false, 'stayEnded', has_slot);
  END IF;

  IF stay.id IS NULL THEN
    PERFORM ensure_user(person_user, person_external, person_name, at_time);
    INSERT INTO session_participants
      (session_id, user_id, name, role, joined_at, last_joined_at, last_seen_at, left_at, left_cause, removed_at,
        role_decided_at)
    VALUES (session.id, person_user, person_name, guest_stay.role, guest_stay.joined_at, guest_stay.last_joined_at,
      guest_stay.last_seen_at, guest_stay.left_at, guest_stay.left_cause, guest_stay.removed_at, guest_stay.role_decided_at);
  ELSE
    own := CASE WHEN stay.left_cause = 'removed' THEN NULL WHEN stay.by_claim THEN stay.own_role ELSE stay.role END;
    IF own IS NULL OR (role_rank(guest_stay.role) > role_rank(own) AND CASE
        WHEN guest_stay.role_decided_at IS NULL THEN invite_may_raise(invite, stay, person_user)
        ELSE guest_stay.role_decided_at > coalesce(stay.role_decided_at, '-infinity') END) THEN
      own := guest_stay.role;
    END IF;
    UPDATE session_participants p SET
      role = CASE WHEN p.by_claim AND p.left_cause IS DISTINCT FROM 'removed' THEN p.role ELSE own END,
      by_claim = p.by_claim AND p.left_cause IS DISTINCT FROM 'removed',
      own_role = CASE WHEN p.by_claim AND p.left_cause IS DISTINCT FROM 'removed' THEN own END,
      removed_at = greatest(last_removal(p), guest_stay.removed_at),
      joined_at = CASE WHEN has_slot AND p.left_at IS NOT NULL THEN guest_stay.joined_at ELSE p.joined_at END,
      left_at = CASE WHEN has_slot THEN NULL ELSE p.left_at END,
      left_cause = CASE WHEN p.left_cause = 'removed' THEN 'left' ELSE p.left_cause END,
      role_decided_at = greatest(p.role_decided_at, guest_stay.role_decided_at)
    WHERE p.id = stay.id;
  END IF;
  RETURN jsonb_build_object('outcome', 'signed_in', 'sessionId', session.id, 'granted', true,
    'stayEnded', has_slot AND stay.id IS NOT NULL AND stay.left_at IS NULL);
END;
$$;
