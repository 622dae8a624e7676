import type { Pool } from 'pg';
import type { Machine } from '../../protocol/entities.ts';

const columns = `machine_id AS "machineId", name, metadata, active,
  (extract(epoch FROM last_active_at) * 1000)::float8 AS "activeAt"`;

export interface Registration {
  machineId: string;
  ownerId: string;
  /** Name of the owner, in case the owner is not stored yet. */
  ownerName: string;
  name: string;
  metadata: Record<string, unknown>;
  /** Time of the registration, Unix milliseconds. */
  at: number;
}

/** The SQL of machines and nothing else. */
export class MachineRepository {
  readonly #database: Pick<Pool, 'query'>;

  constructor(database: Pick<Pool, 'query'>) {
    this.#database = database;
  }

  /**
   * Creates or updates a machine in one statement, and stores its owner. Times never go back.
   *
   * @returns undefined if the id belongs to another owner; otherwise the machine and whether it was inactive before.
   */
  async upsert(registration: Registration): Promise<{ machine: Machine; revived: boolean } | undefined> {
    const { machineId, ownerId, ownerName, name, metadata, at } = registration;
    const { rows } = await this.#database.query<Machine & { revived: boolean | null }>(
      // The foreign key of the owner is checked at the end of the statement. So a refused sender is not stored.
      `WITH before AS (
         SELECT active FROM machines WHERE machine_id = $1 AND owner_id = $2::uuid FOR UPDATE
       ), registered AS (
         INSERT INTO machines AS m (machine_id, owner_id, name, metadata, active, last_active_at)
         SELECT $1, $2::uuid, $4, $5::jsonb, true, to_timestamp($6::float8 / 1000)
         FROM (SELECT count(*) FROM before) looked_first
         ON CONFLICT (machine_id) DO UPDATE
         SET name = excluded.name, metadata = excluded.metadata, active = true, updated_at = now(),
           last_active_at = greatest(m.last_active_at, excluded.last_active_at)
         WHERE m.owner_id = excluded.owner_id
         RETURNING *
       ), owner AS (
         INSERT INTO users (id, username) SELECT owner_id, $3 FROM registered ON CONFLICT (id) DO NOTHING
       )
       SELECT ${columns}, (SELECT NOT active FROM before) AS revived FROM registered`,
      [machineId, ownerId, ownerName, name, JSON.stringify(metadata), at],
    );
    if (!rows[0]) return undefined;
    const { revived, ...machine } = rows[0];
    return { machine, revived: revived ?? false };
  }

  async isOwnedBy(machineId: string, ownerId: string): Promise<boolean> {
    const { rows } = await this.#database.query({
      name: 'machine-owned',
      text: 'SELECT FROM machines WHERE machine_id = $1 AND owner_id = $2::uuid',
      values: [machineId, ownerId],
    });
    return rows.length > 0;
  }

  /** All machines of an owner, by name. */
  async listOf(ownerId: string): Promise<Machine[]> {
    const { rows } = await this.#database.query<Machine>(
      `SELECT ${columns} FROM machines WHERE owner_id = $1::uuid ORDER BY name, machine_id`,
      [ownerId],
    );
    return rows;
  }
}
