import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { log } from '../../lambdas/platform/log.ts';
import { createDatabase } from '../support/database.ts';

// No log lines for the failures that the tests cause.
log.setLogLevel('SILENT');

/** A database with users, sessions and machines, and functions that read their liveness. */
export async function createWorld() {
  const database = await createDatabase();
  const { pool } = database;
  return {
    ...database,
    async user(): Promise<string> {
      const id = randomUUID();
      await pool.query('INSERT INTO users (id, username) VALUES ($1, $2)', [id, 'somebody']);
      return id;
    },
    /** A session with the given time of its last sign of life, Unix milliseconds. */
    async session(ownerId: string, activeAt: number, active = true): Promise<string> {
      const { rows } = await pool.query(
        `INSERT INTO collaboration_sessions (operation_id, session_id, owner_id, start_time, last_active_at, active)
         VALUES ('o', $1, $2, $3, $3, $4) RETURNING id`,
        [`SESSION-${randomUUID()}`, ownerId, new Date(activeAt), active],
      );
      return rows[0].id;
    },
    async machine(ownerId: string, activeAt: number, active = true): Promise<string> {
      const id = `machine-${randomUUID()}`;
      await pool.query(
        `INSERT INTO machines (machine_id, owner_id, name, last_active_at, active) VALUES ($1, $2, 'm', $3, $4)`,
        [id, ownerId, new Date(activeAt), active],
      );
      return id;
    },
    async liveness(id: string): Promise<{ active: boolean; activeAt: number } | undefined> {
      const { rows } = await pool.query(
        `SELECT active, last_active_at FROM collaboration_sessions WHERE id::text = $1
         UNION ALL SELECT active, last_active_at FROM machines WHERE machine_id = $1`,
        [id],
      );
      return rows[0] && { active: rows[0].active, activeAt: rows[0].last_active_at.getTime() };
    },
  };
}

export type World = Awaited<ReturnType<typeof createWorld>>;

/** A pool whose statements are counted and can be made to fail or to wait. */
export class WatchedPool {
  statements = 0;
  away = false;
  /** If set, each statement reports its start and waits until it may run. */
  gate: { begun: () => void; open: Promise<void> } | undefined;
  readonly query: Pool['query'];

  constructor(pool: Pool) {
    const query = async (...parameters: [string]) => {
      this.statements += 1;
      this.gate?.begun();
      await this.gate?.open;
      if (this.away) throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
      return pool.query(...parameters);
    };
    this.query = query as unknown as Pool['query'];
  }
}
