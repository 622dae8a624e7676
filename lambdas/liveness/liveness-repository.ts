import type { Pool } from 'pg';
import { notSetAside, SetAside, waitingForLocks } from '../platform/set-aside.ts';

/** What can be active or inactive: sessions and machines. */
export type LivenessKind = 'session' | 'machine';

export interface LivenessState {
  active: boolean;
  /** Unix milliseconds. */
  activeAt: number;
}

/** A change from active to inactive or back. The connections of the owner are told. */
export interface LivenessChange extends LivenessState {
  kind: LivenessKind;
  /** The UUID of the session or the id of the machine. */
  id: string;
  ownerId: string;
}

export interface Beat {
  kind: LivenessKind;
  id: string;
  /** Unix milliseconds. */
  at: number;
}

const millis = (column: string) => `(extract(epoch FROM ${column}) * 1000)::float8`;
const moment = (parameter: string) => `to_timestamp(${parameter}::float8 / 1000)`;

const validSession = `
  SELECT s.active, ${millis('s.last_active_at')} AS "activeAt" FROM collaboration_sessions s
  WHERE s.id = $1::uuid AND s.status = 'active' AND (s.owner_id = $2::uuid OR EXISTS (
    SELECT FROM session_participants p
    WHERE p.session_id = s.id AND (p.user_id = $2::uuid OR p.anonymous_id = $2::uuid) AND p.left_at IS NULL))`;

const validMachine = `
  SELECT active, ${millis('last_active_at')} AS "activeAt" FROM machines WHERE machine_id = $1 AND owner_id = $2::uuid`;

/**
 * Writes one batch in one statement. Times never go back, and an ended session stays as it is. Rows are locked in the order
 * of their ids, so that two batches wait for each other and do not deadlock.
 */
const recordBeats = `
  WITH session_beats AS (
    SELECT * FROM unnest($1::uuid[], $2::float8[]) AS b (id, at)
  ), sessions_before AS (
    SELECT s.id, s.active FROM collaboration_sessions s JOIN session_beats b ON b.id = s.id
    ORDER BY s.id FOR NO KEY UPDATE OF s
  ), sessions AS (
    UPDATE collaboration_sessions s
    SET active = true, last_active_at = ${moment('b.at')}
    FROM session_beats b JOIN sessions_before o ON o.id = b.id
    WHERE s.id = b.id AND s.status = 'active' AND s.last_active_at < ${moment('b.at')}
    RETURNING 'session' AS kind, s.id::text AS id, s.owner_id, b.at, o.active AS was_active
  ), machine_beats AS (
    SELECT * FROM unnest($3::text[], $4::float8[]) AS b (id, at)
  ), machines_before AS (
    SELECT m.machine_id, m.active FROM machines m JOIN machine_beats b ON b.id = m.machine_id
    ORDER BY m.machine_id FOR NO KEY UPDATE OF m
  ), machines AS (
    UPDATE machines m
    SET active = true, last_active_at = ${moment('b.at')}, updated_at = now()
    FROM machine_beats b JOIN machines_before o ON o.machine_id = b.id
    WHERE m.machine_id = b.id AND m.last_active_at < ${moment('b.at')}
    RETURNING 'machine' AS kind, m.machine_id::text AS id, m.owner_id, b.at, o.active AS was_active
  )
  SELECT kind, id, owner_id AS "ownerId", at AS "activeAt", true AS active FROM (
    SELECT * FROM sessions UNION ALL SELECT * FROM machines
  ) changed WHERE NOT was_active`;

const aside = {
  session: notSetAside('silent-session', 't.id', moment('$3')),
  machine: notSetAside('silent-machine', 't.machine_id', moment('$3')),
};

/** Sessions or machines without a sign of life since $1, at most $2 of them, that are not set aside at $3. */
const silent = {
  session: `SELECT t.id::text AS id FROM collaboration_sessions t
    WHERE t.active AND t.last_active_at <= ${moment('$1')} AND ${aside.session}`,
  machine: `SELECT t.machine_id AS id FROM machines t
    WHERE t.active AND t.last_active_at <= ${moment('$1')} AND ${aside.machine}`,
};

/**
 * Deactivates the silent rows among the ids in $4, or the first silent rows if $4 is null. PostgreSQL checks the condition
 * again on a row that changed while it was waiting for the lock, so a sign of life in between keeps the row active.
 */
const deactivate = {
  session: `
    WITH due AS (
      ${silent.session} AND ($4::uuid[] IS NULL OR t.id = ANY ($4::uuid[]))
      ORDER BY t.last_active_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE collaboration_sessions s SET active = false FROM due
    WHERE s.id = due.id::uuid
    RETURNING 'session' AS kind, s.id::text AS id, s.owner_id AS "ownerId", s.active,
      ${millis('s.last_active_at')} AS "activeAt"`,
  machine: `
    WITH due AS (
      ${silent.machine} AND ($4::text[] IS NULL OR t.machine_id = ANY ($4::text[]))
      ORDER BY t.last_active_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE machines m SET active = false, updated_at = now() FROM due
    WHERE m.machine_id = due.id
    RETURNING 'machine' AS kind, m.machine_id::text AS id, m.owner_id AS "ownerId", m.active,
      ${millis('m.last_active_at')} AS "activeAt"`,
};

/** The SQL of liveness and nothing else. */
export class LivenessRepository {
  readonly #database: Pick<Pool, 'query'>;

  constructor(database: Pick<Pool, 'query'>) {
    this.#database = database;
  }

  /** The state of a session that the user owns or participates in, or of a machine that the user owns; otherwise undefined. */
  async stateFor(kind: LivenessKind, id: string, userId: string): Promise<LivenessState | undefined> {
    const text = kind === 'session' ? validSession : validMachine;
    const { rows } = await this.#database.query<LivenessState>({
      name: `liveness-${kind}`,
      text,
      values: [id, userId],
    });
    return rows[0];
  }

  /** Writes signs of life in one statement and returns the sessions and machines that became active again. */
  async record(beats: readonly Beat[]): Promise<LivenessChange[]> {
    const of = (kind: LivenessKind) => beats.filter((beat) => beat.kind === kind);
    const [sessions, machines] = [of('session'), of('machine')];
    const { rows } = await this.#database.query<LivenessChange>({
      name: 'liveness-record',
      text: recordBeats,
      values: [...columnsOf(sessions), ...columnsOf(machines)],
    });
    return rows;
  }

  /**
   * Deactivates at most `limit` sessions or machines without a sign of life since `silentSince` (inclusive). A row that
   * PostgreSQL cannot update is set aside, and the others are deactivated.
   *
   * @param now Unix milliseconds.
   */
  async deactivate(kind: LivenessKind, silentSince: number, limit: number, now: number): Promise<LivenessChange[]> {
    const update = async (sql: string, ids: readonly string[] | null) =>
      (await this.#database.query<LivenessChange>(sql, [silentSince, limit, now, ids])).rows;
    const changes = await new SetAside(this.#database, () => now).togetherOrApart(`silent-${kind}`, {
      together: () => update(deactivate[kind], null),
      ids: async () => {
        const text = `${silent[kind]} ORDER BY t.last_active_at LIMIT $2`;
        const { rows } = await this.#database.query<{ id: string }>(text, [silentSince, limit, now]);
        return rows.map(({ id }) => id);
      },
      apart: (ids) => update(waitingForLocks(deactivate[kind]), ids),
    });
    return [...changes];
  }
}

function columnsOf(beats: readonly Beat[]): [string[], number[]] {
  return [beats.map((beat) => beat.id), beats.map((beat) => beat.at)];
}
