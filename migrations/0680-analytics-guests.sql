-- A guest who signed in is one person in the analytics [AN4]. The rollup gives the days of the guest to the user once, also if it
-- counted them before the sign-in. Identities from before this migration are looked at, too.
ALTER TABLE guest_identities ADD COLUMN counted boolean NOT NULL DEFAULT false;
CREATE INDEX idx_guest_identities_uncounted ON guest_identities (signed_in_at) WHERE NOT counted;

-- Makes a guest of a session a user, or returns why not. It must run in one transaction with the join of the user: it gives the slot
-- and the role of the guest to the user, and the join decides whether the user may be in the session at all.
--
-- `granted` says whether the user gets the access of the guest. Without it the user needs access of their own. The role of the
-- guest counts like an invite: it raises the role of the user unless the owner set that role later.
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
  -- The same lock as in join_session.
  IF session_uuid IS NOT NULL THEN
    SELECT * INTO session FROM collaboration_sessions s WHERE s.id = session_uuid FOR NO KEY UPDATE;
  ELSE
    SELECT * INTO session FROM collaboration_sessions s WHERE s.session_id = session_name FOR NO KEY UPDATE;
  END IF;
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
      (session_id, user_id, name, role, joined_at, last_joined_at, last_seen_at, left_at, left_cause, role_decided_at)
    VALUES (session.id, person_user, person_name, guest_stay.role, guest_stay.joined_at, guest_stay.last_joined_at,
      guest_stay.last_seen_at, guest_stay.left_at, guest_stay.left_cause, guest_stay.role_decided_at);
  ELSE
    own := CASE WHEN stay.left_cause = 'removed' THEN NULL WHEN stay.by_claim THEN stay.own_role ELSE stay.role END;
    IF own IS NULL OR (role_rank(guest_stay.role) > role_rank(own)
        AND coalesce(guest_stay.role_decided_at, invite.created_at) > coalesce(stay.role_decided_at, '-infinity')) THEN
      own := guest_stay.role;
    END IF;
    UPDATE session_participants p SET
      role = CASE WHEN p.by_claim AND p.left_cause IS DISTINCT FROM 'removed' THEN p.role ELSE own END,
      by_claim = p.by_claim AND p.left_cause IS DISTINCT FROM 'removed',
      own_role = CASE WHEN p.by_claim AND p.left_cause IS DISTINCT FROM 'removed' THEN own END,
      removed_at = NULL,
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
