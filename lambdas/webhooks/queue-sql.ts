import { notSetAside } from '../platform/set-aside.ts';
import { millis, time } from './endpoint-sql.ts';

/** Whether an endpoint may be called now: it is enabled, nobody works for it, it has no pause, and it is not set aside. */
const mayBeCalled = (now: string) => `
  e.enabled AND coalesce(e.leased_until <= ${now}, true) AND coalesce(e.paused_until <= ${now}, true)
  AND ${notSetAside('webhook-endpoint', 'e.id', now)}`;

/** The id under which a delivery is set aside. */
const delivery = (table: string) => `${table}.endpoint_id || ' ' || ${table}.event_id`;
const isOnList = (now: string) => notSetAside('webhook', delivery('d'), now);

const earliest = `
  CROSS JOIN LATERAL (
    SELECT d.next_attempt_at FROM webhook_deliveries d
    WHERE d.endpoint_id = e.id AND d.state = 'pending' AND ${isOnList(time('$1'))} ORDER BY d.next_attempt_at LIMIT 1
  ) first`;

/** Whether there is an enabled endpoint, whether something is due now, and how long it has waited. */
export const readBacklog = `
  SELECT EXISTS (SELECT FROM webhook_endpoints WHERE enabled) AS "hasEndpoints", min(${millis('first.next_attempt_at')}) AS "dueSince"
  FROM webhook_endpoints e ${earliest}
  WHERE ${mayBeCalled(time('$1'))} AND first.next_attempt_at <= ${time('$1')}`;

const claimable = (only: string, locking: string) => `
  SELECT e.id FROM webhook_endpoints e ${earliest}
  WHERE ${mayBeCalled(time('$1'))} AND first.next_attempt_at <= ${time('$1')} ${only}
  ORDER BY greatest(first.next_attempt_at, e.turn_at) ${locking}`;

/** The endpoints for which something is due, in the order of their turns. */
export const listClaimable = claimable('', '');

const claim = (only: string, locking: string) => `
  WITH chosen AS (${claimable(only, locking)})
  UPDATE webhook_endpoints e SET leased_until = ${time('$2')}, lease_holder = $3 FROM chosen WHERE e.id = chosen.id
  RETURNING e.id, e.url, e.secret, CASE WHEN e.previous_until > ${time('$1')} THEN e.previous_secret END AS "previousSecret",
    ${millis('e.failing_since')} AS "failingSince"`;

/** Takes the endpoint whose turn it is, until $2, for the holder $3. */
export const claimEndpoint = claim('', 'LIMIT 1 FOR NO KEY UPDATE OF e SKIP LOCKED');
/** Takes the endpoint $4. */
export const claimNamed = claim('AND e.id = $4::uuid', 'LIMIT 1 FOR NO KEY UPDATE OF e');

/** The $3 deliveries of an endpoint that have waited longest, with their entries. An entry that the audit trail no longer has is null. */
export const readDue = `
  SELECT d.event_id AS "eventId", d.event_type AS "eventType", d.attempts, ${millis('d.queued_at')} AS "queuedAt",
    a.activity_type AS "activityType", ${millis('a.created_at')} AS "createdAt", a.session_id AS "sessionId",
    coalesce(s.session_id, p.session_id) AS session, coalesce(s.key, p.key) AS key,
    a.user_id AS "userId", a.username, a.details
  FROM (
    SELECT * FROM webhook_deliveries d
    WHERE d.endpoint_id = $1 AND d.state = 'pending' AND d.next_attempt_at <= ${time('$2')} AND ${isOnList(time('$2'))}
    ORDER BY d.next_attempt_at LIMIT $3
  ) d
  LEFT JOIN activity_log a ON a.id = d.event_id
  LEFT JOIN collaboration_sessions s ON s.id = a.session_id
  LEFT JOIN purged_sessions p ON p.id = a.session_id AND s.id IS NULL
  ORDER BY d.next_attempt_at, a.created_at, d.event_id`;

/**
 * Notes the attempts for an endpoint $1 at $2. It does so after the end of the lease too, because the requests were sent. If the address
 * is no longer $9, what it did not accept is sent to the present one.
 */
export const writeAttempts = `
  UPDATE webhook_deliveries d SET
    state = g.state, attempts = d.attempts + 1, last_attempt_at = ${time('$2')},
    next_attempt_at = coalesce(${time('g.next_at')}, d.next_attempt_at),
    finished_at = CASE WHEN g.state <> 'pending' THEN ${time('$2')} END,
    last_status = g.status, last_error = g.error, last_response = g.response
  FROM (
    SELECT a.event_id, CASE WHEN again THEN 'pending' ELSE a.state END AS state, CASE WHEN again THEN $2 ELSE a.next_at END AS next_at,
      a.status, a.error, a.response
    FROM unnest($3::uuid[], $4::text[], $5::float8[], $6::integer[], $7::text[], $8::text[])
      AS a (event_id, state, next_at, status, error, response)
    CROSS JOIN LATERAL (
      SELECT a.state <> 'delivered' AND EXISTS (SELECT FROM webhook_endpoints e WHERE e.id = $1 AND e.url <> $9) AS again
    ) moved
  ) g
  WHERE d.endpoint_id = $1 AND d.event_id = g.event_id AND d.state = 'pending'`;

/** Postpones deliveries that were not attempted. */
export const postpone = `
  UPDATE webhook_deliveries SET next_attempt_at = ${time('$3')}
  WHERE endpoint_id = $1 AND event_id = ANY ($2::uuid[]) AND state = 'pending'`;

/**
 * Notes how an endpoint answered, and gives up the lease of the holder $2. Its next turn is at $8. The answers say nothing about the
 * endpoint if its address is no longer $9. Returns whether this disabled it.
 */
export const settleEndpoint = `
  WITH before AS (SELECT id, enabled, url = $9 AS asked FROM webhook_endpoints WHERE id = $1 FOR NO KEY UPDATE)
  UPDATE webhook_endpoints e SET
    leased_until = CASE WHEN e.lease_holder = $2 THEN NULL ELSE e.leased_until END,
    lease_holder = CASE WHEN e.lease_holder = $2 THEN NULL ELSE e.lease_holder END,
    last_success_at = CASE WHEN asked AND $4 THEN ${time('$3')} ELSE e.last_success_at END,
    last_failure_at = CASE WHEN asked AND $5 THEN ${time('$3')} ELSE e.last_failure_at END,
    failing_since = CASE WHEN asked AND $4 THEN NULL WHEN asked AND $5 THEN coalesce(e.failing_since, ${time('$3')}) ELSE e.failing_since END,
    paused_until = CASE WHEN asked THEN coalesce(${time('$6')}, e.paused_until) ELSE e.paused_until END,
    turn_at = CASE WHEN asked THEN ${time('$8')} ELSE e.turn_at END,
    enabled = e.enabled AND NOT (asked AND $7::text IS NOT NULL),
    disabled_cause = CASE WHEN asked AND e.enabled THEN $7 ELSE e.disabled_cause END
  FROM before WHERE e.id = before.id
  RETURNING before.enabled AND NOT e.enabled AS disabled`;

/** Queues a test for an endpoint, also if it is disabled. */
export const queueTest = `
  INSERT INTO webhook_deliveries (endpoint_id, event_id, event_type, queued_at, next_attempt_at)
  SELECT e.id, $2, $3, ${time('$4')}, ${time('$4')} FROM webhook_endpoints e WHERE e.id = $1`;

const startAgain = (now: string) => `
  state = 'pending', attempts = 0, next_attempt_at = ${now}, finished_at = NULL`;

/** Sends one event once more. */
export const replayOne = `
  UPDATE webhook_deliveries SET ${startAgain(time('$3'))} WHERE endpoint_id = $1 AND event_id = $2`;

/**
 * Sends dead letters of an endpoint once more, at most $3, the newest first, after the one that was queued at $4 and has the id $5. An event
 * that becomes a dead letter again is not met a second time.
 */
export const replayDead = `
  WITH wanted AS (
    SELECT d.queued_at, d.event_id FROM webhook_deliveries d
    WHERE d.endpoint_id = $1 AND d.state = 'dead'
      AND ($4::float8 IS NULL OR (d.queued_at, d.event_id) < (${time('$4')}, $5::uuid))
    ORDER BY d.queued_at DESC, d.event_id DESC LIMIT $3
  ), queued AS (
    UPDATE webhook_deliveries d SET ${startAgain(time('$2'))} FROM wanted w
    WHERE d.endpoint_id = $1 AND d.event_id = w.event_id AND d.state = 'dead' RETURNING d.event_id
  ), last AS (
    SELECT queued_at, event_id FROM wanted ORDER BY queued_at, event_id LIMIT 1
  )
  SELECT (SELECT count(*)::integer FROM queued) AS queued, (SELECT count(*)::integer FROM wanted) AS found,
    (SELECT ${millis('queued_at')} FROM last) AS at, (SELECT event_id FROM last) AS id`;

/**
 * Queues the events of a period, with those that happened while the endpoint was disabled or did not exist. It takes at most $5 of them,
 * the oldest first, after the entry with the time $6 and the id $7. The time has the same expression as in the index.
 */
export const replayPeriod = `
  WITH endpoint AS (
    SELECT e AS whole FROM webhook_endpoints e WHERE e.id = $1
  ), entries AS (
    SELECT a.id, a.session_id, a.created_at, a.created_at AT TIME ZONE 'UTC' AS at, webhook_event_type(a.activity_type) AS event_type
    FROM activity_log a
    WHERE (a.created_at AT TIME ZONE 'UTC') >= (${time('$2')} AT TIME ZONE 'UTC')
      AND (a.created_at AT TIME ZONE 'UTC') < (${time('$3')} AT TIME ZONE 'UTC')
  ), wanted AS (
    SELECT n.* FROM entries n CROSS JOIN endpoint
    WHERE n.event_type IS NOT NULL AND webhook_wants(endpoint.whole, n.event_type, n.session_id)
      AND ($6::float8 IS NULL OR (n.at, n.id) > (${time('$6')} AT TIME ZONE 'UTC', $7::uuid))
    ORDER BY n.at, n.id LIMIT $5
  ), queued AS (
    INSERT INTO webhook_deliveries AS d (endpoint_id, event_id, event_type, queued_at, next_attempt_at)
    SELECT $1, w.id, w.event_type, ${time('$4')}, ${time('$4')} FROM wanted w
    ON CONFLICT (endpoint_id, event_id) DO UPDATE SET ${startAgain('excluded.next_attempt_at')}
    RETURNING event_id
  ), last AS (
    SELECT created_at, id FROM wanted ORDER BY at DESC, id DESC LIMIT 1
  )
  SELECT (SELECT count(*)::integer FROM queued) AS queued, (SELECT ${millis('created_at')} FROM last) AS at, (SELECT id FROM last) AS id`;

/** A page of deliveries, the newest first. $2: only this state. $3 and $4: those before this time and id. A removed endpoint has none. */
export const selectDeliveries = `
  SELECT d.event_id AS "eventId", d.event_type AS type, d.state, d.attempts, ${millis('d.queued_at')} AS "queuedAt",
    CASE WHEN d.state = 'pending' THEN ${millis('d.next_attempt_at')} END AS "nextAttemptAt",
    ${millis('d.last_attempt_at')} AS "lastAttemptAt", d.last_status AS status, d.last_error AS error, d.last_response AS response
  FROM webhook_deliveries d
  WHERE d.endpoint_id = $1 AND EXISTS (SELECT FROM webhook_endpoints e WHERE e.id = $1) AND ($2::text IS NULL OR d.state = $2)
    AND ($3::float8 IS NULL OR (d.queued_at, d.event_id) < (${time('$3')}, $4::uuid))
  ORDER BY d.queued_at DESC, d.event_id DESC LIMIT $5`;

/** What one part of the table has for the retention. Each part has an index, so it reads only what it removes. */
const ended = (state: 'delivered' | 'dead', before: string) => `
  SELECT * FROM (
    SELECT d.endpoint_id, d.event_id FROM webhook_deliveries d
    WHERE d.state = '${state}' AND d.finished_at < ${time(before)} AND ${isOnList(time('$4'))}
    ORDER BY d.finished_at LIMIT $3 FOR UPDATE OF d SKIP LOCKED
  ) ${state}`;

/**
 * At most $3 deliveries that were delivered before $1 or dead before $2, without those that are set aside at $4. It locks them. So an event
 * that a replay queues at the same time is left out.
 */
export const expired = `${ended('delivered', '$1')} UNION ALL ${ended('dead', '$2')} LIMIT $3`;

/** At most $1 deliveries of endpoints that do not exist any more. It jumps from endpoint to endpoint in the primary key. */
export const orphans = `
  WITH RECURSIVE known AS (
    (SELECT endpoint_id FROM webhook_deliveries ORDER BY endpoint_id LIMIT 1)
    UNION ALL
    SELECT (SELECT d.endpoint_id FROM webhook_deliveries d WHERE d.endpoint_id > k.endpoint_id ORDER BY d.endpoint_id LIMIT 1)
    FROM known k WHERE k.endpoint_id IS NOT NULL
  ), orphans AS (
    SELECT k.endpoint_id FROM known k WHERE NOT EXISTS (SELECT FROM webhook_endpoints e WHERE e.id = k.endpoint_id)
  )
  SELECT d.* FROM orphans o CROSS JOIN LATERAL (
    SELECT d.endpoint_id, d.event_id FROM webhook_deliveries d
    WHERE d.endpoint_id = o.endpoint_id AND ${isOnList(time('$2'))} LIMIT $1
  ) d LIMIT $1`;

/** Deletes what a statement selects. The statement runs once, because it may skip what it has locked itself. */
export const remove = (selected: string) => `
  WITH old AS MATERIALIZED (${selected})
  DELETE FROM webhook_deliveries d USING old
  WHERE d.endpoint_id = old.endpoint_id AND d.event_id = old.event_id RETURNING d.event_id`;

/** The ids, as they are set aside, of what a statement selects. */
export const idsOf = (selected: string) => `SELECT ${delivery('old')} AS id FROM (${selected}) old`;

/** The deliveries with these ids. */
export const named = `
  SELECT split_part(id, ' ', 1)::uuid AS endpoint_id, split_part(id, ' ', 2)::uuid AS event_id FROM unnest($1::text[]) AS n (id)`;

/** Those of them that were delivered before $2 or dead before $3. */
export const namedExpired = `
  SELECT d.endpoint_id, d.event_id FROM webhook_deliveries d JOIN (${named}) n ON d.endpoint_id = n.endpoint_id AND d.event_id = n.event_id
  WHERE (d.state = 'delivered' AND d.finished_at < ${time('$2')}) OR (d.state = 'dead' AND d.finished_at < ${time('$3')})
  FOR UPDATE OF d`;
