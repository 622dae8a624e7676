-- The rights of the functions that serve users. They log in as a member of this role, and the migrations as the owner of the tables.
-- A role belongs to the whole server, so another database may have created it.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'rollcall_service') THEN
    CREATE ROLE rollcall_service NOLOGIN;
  END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
  NULL; -- Another database created it at the same time.
END $$;

GRANT SELECT, INSERT, UPDATE ON users, session_participants, session_invites, machines TO rollcall_service;
GRANT SELECT, INSERT, UPDATE, DELETE ON collaboration_sessions, sweep_set_aside TO rollcall_service;
-- A row is locked before it is deleted, and a lock needs the right to update a column.
GRANT SELECT, INSERT, DELETE, UPDATE (purged_at) ON purged_sessions TO rollcall_service;

-- Figures that are counted from the audit trail, and who a guest became.
GRANT SELECT, INSERT, UPDATE, DELETE ON analytics_progress, analytics_counts, analytics_types, analytics_minutes, analytics_hours,
  analytics_days, analytics_sessions, analytics_people, live_sessions, service_figures, guest_identities TO rollcall_service;

-- The audit trail: entries, links and checkpoints can be added, and not be changed or deleted.
GRANT SELECT, INSERT ON activity_log, activity_seals, activity_checkpoints TO rollcall_service;
GRANT SELECT, INSERT, DELETE ON activity_unsealed, activity_checkpoint_heads TO rollcall_service;
GRANT SELECT, INSERT, UPDATE ON activity_chains TO rollcall_service;

-- Retention. These functions run with the rights of the owner, so that the role itself cannot delete an entry. They delete only whole
-- beginnings of chains, and entries that are in no chain.

-- Removes the oldest links of one chain, with their entries, and keeps the hash of the last removed link as the anchor, so that
-- the rest can still be verified. Returns the number of removed links; no row if the chain has nothing that is old enough.
CREATE FUNCTION shorten_chain(before_time timestamptz, chain_session uuid, most integer) RETURNS SETOF integer
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  WITH chain AS (
    SELECT session_id, anchor_sequence FROM activity_chains
    WHERE oldest_at < before_time AND session_id = chain_session FOR UPDATE
  ), links AS (
    SELECT s.session_id, s.sequence, s.hash, s.activity_id, a.created_at
    FROM chain c
    JOIN LATERAL (
      SELECT * FROM activity_seals s WHERE s.session_id = c.session_id AND s.sequence > c.anchor_sequence
      ORDER BY s.sequence LIMIT most
    ) s ON true
    LEFT JOIN activity_log a ON a.id = s.activity_id AND a.session_id = s.session_id
  ), kept AS (
    SELECT sequence, created_at FROM links WHERE created_at >= before_time ORDER BY sequence LIMIT 1
  ), gone AS (
    SELECT * FROM links WHERE sequence < coalesce((SELECT sequence FROM kept), 9223372036854775807)
  ), entries AS (
    DELETE FROM activity_log a USING gone g WHERE a.id = g.activity_id AND a.session_id = g.session_id
  ), seals AS (
    DELETE FROM activity_seals s USING gone g WHERE s.session_id = g.session_id AND s.sequence = g.sequence
  ), anchor AS (
    SELECT sequence, hash FROM gone ORDER BY sequence DESC LIMIT 1
  )
  UPDATE activity_chains c
  SET anchor_sequence = coalesce((SELECT sequence FROM anchor), c.anchor_sequence),
    anchor_hash = coalesce((SELECT hash FROM anchor), c.anchor_hash),
    oldest_at = CASE WHEN EXISTS (SELECT FROM kept) THEN (SELECT created_at FROM kept)
      WHEN (SELECT max(sequence) FROM links) < c.sequence THEN c.oldest_at END
  FROM chain WHERE c.session_id = chain.session_id
  RETURNING (SELECT count(*) FROM gone)::integer;
$$;

-- Removes those of the entries that are old enough, in no chain, and have no ticket for one. An entry that another transaction
-- locked is left out, or waited for.
CREATE FUNCTION remove_unchained(before_time timestamptz, entries uuid[], waits boolean) RETURNS SETOF uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  locked uuid[];
BEGIN
  IF waits THEN
    locked := ARRAY(SELECT a.id FROM activity_log a WHERE a.id = ANY (entries) FOR UPDATE);
  ELSE
    locked := ARRAY(SELECT a.id FROM activity_log a WHERE a.id = ANY (entries) FOR UPDATE SKIP LOCKED);
  END IF;
  RETURN QUERY DELETE FROM activity_log a
    WHERE a.id = ANY (locked) AND a.created_at < before_time
      AND NOT EXISTS (SELECT FROM activity_seals s WHERE s.activity_id = a.id)
      AND NOT EXISTS (SELECT FROM activity_unsealed t WHERE t.session_id = a.session_id AND t.activity_id = a.id)
    RETURNING a.id;
END;
$$;

REVOKE EXECUTE ON FUNCTION shorten_chain, remove_unchained FROM PUBLIC;
GRANT EXECUTE ON FUNCTION shorten_chain, remove_unchained TO rollcall_service;
