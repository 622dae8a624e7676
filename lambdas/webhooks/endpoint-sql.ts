import { mostCounted, type WebhookState } from '../../protocol/webhooks.ts';

/** Unix milliseconds of a column. */
export const millis = (column: string) => `(extract(epoch FROM ${column}) * 1000)::float8`;
/** A time from Unix milliseconds. */
export const time = (parameter: string) => `to_timestamp(${parameter}::float8 / 1000)`;

export const endpointColumns = `
  e.id, e.url, e.description, e.event_types AS events, e.session_id AS "sessionId", e.key_pattern AS key, e.enabled,
  e.disabled_cause AS "disabledCause", ${millis('e.previous_until')} AS "previousSecretUntil",
  ${millis('e.failing_since')} AS "failingSince", ${millis('e.last_success_at')} AS "lastSuccessAt",
  ${millis('e.last_failure_at')} AS "lastFailureAt", ${millis('e.paused_until')} AS "pausedUntil",
  ${millis('e.created_at')} AS "createdAt"`;

/**
 * Counts no further than the answer tells apart. An endpoint may have so many deliveries that counting them all takes too long. The
 * order makes PostgreSQL read an index. Without it, it reads the table if most deliveries are those of other endpoints.
 */
const counted = (state: WebhookState, order: string) => `
  (SELECT count(*)::integer FROM (
    SELECT FROM webhook_deliveries d WHERE d.endpoint_id = e.id AND d.state = '${state}' ORDER BY ${order} LIMIT ${mostCounted + 1}
  ) counted) AS ${state}`;
const counts = `${counted('pending', 'd.next_attempt_at')}, ${counted('dead', 'd.queued_at DESC')}`;

/** All endpoints, or the one with the id $1. */
export const selectEndpoints = `
  SELECT ${endpointColumns}, ${counts} FROM webhook_endpoints e WHERE $1::uuid IS NULL OR e.id = $1 ORDER BY e.created_at, e.id`;

/** Whether the endpoint $1 is enabled. It counts nothing. */
export const selectEnabled = `SELECT enabled FROM webhook_endpoints WHERE id = $1`;

/** Adds an endpoint unless there are $9 of them. */
export const insertEndpoint = `
  INSERT INTO webhook_endpoints AS e (id, url, description, event_types, session_id, key_pattern, secret, created_at, updated_at)
  SELECT $1, $2, $3, $4::text[], $5, $6, $7, ${time('$8')}, ${time('$8')}
  WHERE (SELECT count(*) FROM webhook_endpoints) < $9
  RETURNING ${endpointColumns}, 0 AS pending, 0 AS dead`;

/**
 * Changes what is given; null keeps a value. Enabling forgets what the service noted when it disabled the endpoint, and another address
 * what it noted about the one before.
 */
export const updateEndpoint = `
  UPDATE webhook_endpoints e SET
    url = coalesce($2, e.url), description = coalesce($3, e.description), event_types = coalesce($4::text[], e.event_types),
    enabled = coalesce($5, e.enabled),
    disabled_cause = CASE WHEN $5 IS NULL THEN e.disabled_cause END,
    failing_since = CASE WHEN $5 OR $2 IS NOT NULL THEN NULL ELSE e.failing_since END,
    paused_until = CASE WHEN $5 OR $2 IS NOT NULL THEN NULL ELSE e.paused_until END,
    turn_at = CASE WHEN $2 IS NOT NULL THEN NULL ELSE e.turn_at END,
    updated_at = ${time('$6')}
  WHERE e.id = $1 RETURNING ${endpointColumns}, ${counts}`;

/** Makes the secret $2 the current one. The previous one signs too until $3. */
export const rotateSecret = `
  UPDATE webhook_endpoints e SET secret = $2, previous_secret = e.secret, previous_until = ${time('$3')}, updated_at = ${time('$4')}
  WHERE e.id = $1 RETURNING ${endpointColumns}, ${counts}`;

/**
 * Deletes an endpoint. Its deliveries may be very many, so the retention removes them in parts. Without their endpoint they are neither
 * sent nor listed.
 */
export const deleteEndpoint = `DELETE FROM webhook_endpoints WHERE id = $1`;
