import { createHash } from 'node:crypto';
import type { PoolClient } from 'pg';
import { type CheckpointHead, checkpointText, headText } from '../../protocol/audit-checkpoint.ts';
import { type OldRows, removeOld } from '../platform/remove-old.ts';
import { applyApart, isRowFault } from '../platform/row-fault.ts';
import { notSetAside, SetAside } from '../platform/set-aside.ts';
import { inTransaction } from '../platform/transaction.ts';
import type { Database } from './activity-repository.ts';
import type { CheckpointSigner } from './checkpoint-signer.ts';
import { type MerkleTree, merkleTree } from './merkle-tree.ts';

export interface CheckpointMakerOptions {
  pool: Database;
  signer: CheckpointSigner;
  /** Unix milliseconds. */
  clock: () => number;
  /** How long entries are kept, milliseconds. */
  retentionMillis: number;
  /** How many heads a checkpoint has at most. */
  maxHeads?: number;
}

/** Key of the advisory lock that lets one sweep make checkpoints at a time. */
const checkpointLock = 7_310_101;
const dayMillis = 86_400_000;
const expiredCheckpoints = 10;
/** No checkpoint has this number. */
const trialNumber = 0;

/** The previous hash of the first checkpoint. */
const nothing: LastCheckpoint = { number: 0, madeAt: Number.NEGATIVE_INFINITY, heads: 0, hash: Buffer.alloc(32) };

interface LastCheckpoint {
  number: number;
  madeAt: number;
  heads: number;
  hash: Buffer;
}

/** Makes the checkpoints of the audit trail: one a day (UTC) with all chains that grew since the one before. */
export class CheckpointMaker {
  readonly #options: CheckpointMakerOptions & { maxHeads: number };

  constructor(options: CheckpointMakerOptions) {
    this.#options = { maxHeads: 10_000, ...options };
  }

  /**
   * Makes today's checkpoint if there is none yet; more than one if more chains grew than one holds.
   *
   * @returns how many it made.
   * @throws the error of the signer; then nothing is stored.
   */
  async run(): Promise<number> {
    let after = '00000000-0000-0000-0000-000000000000';
    for (let made = 0; ; made += 1) {
      const start = after;
      const last = await this.#makeOrSetAside(start);
      if (last === undefined) return made;
      after = last;
    }
  }

  /**
   * Removes the heads of checkpoints after the retention of the entries, as soon as all links that they name were removed.
   * The checkpoints stay. A checkpoint whose heads cannot be removed is set aside, and those of the others are removed.
   */
  async removeExpired(): Promise<void> {
    const { pool, clock, retentionMillis } = this.#options;
    await removeOld(pool, clock, { ...removableHeads, values: [clock() - retentionMillis, clock()] });
  }

  /** A chain whose head cannot be stored is set aside, and the checkpoint is made of the others. */
  async #makeOrSetAside(after: string): Promise<string | undefined> {
    const { pool, clock, maxHeads } = this.#options;
    const make = () => inTransaction(pool, 'write', (client) => this.#make(client, after));
    try {
      return await make();
    } catch (error) {
      if (!isRowFault(error)) throw error;
      const heads = await inTransaction(pool, 'read', (client) => grownHeads(client, after, maxHeads, clock()));
      const aside = new SetAside(pool, clock);
      let found = 0;
      const setAside = ({ sessionId }: CheckpointHead, fault: unknown) => {
        found += 1;
        return aside.add('checkpoint', sessionId, fault);
      };
      await applyApart(heads, (some) => tryHeads(pool, some), setAside);
      if (found === 0) throw error;
      return make();
    }
  }

  /** @returns the last session of the checkpoint; undefined if none was made. */
  async #make(client: PoolClient, after: string): Promise<string | undefined> {
    const { rows } = await client.query('SELECT pg_try_advisory_xact_lock($1) AS mine', [checkpointLock]);
    if (!rows[0].mine) return undefined;
    const last = await lastCheckpoint(client);
    const now = this.#options.clock();
    const isToday = Math.floor(last.madeAt / dayMillis) >= Math.floor(now / dayMillis);
    // A full checkpoint may have left chains out.
    if (isToday && last.heads < this.#options.maxHeads) return undefined;
    const heads = await grownHeads(client, after, this.#options.maxHeads, now);
    if (heads.length === 0) return undefined;
    // The signer may take a second, so it is asked before any chain is locked.
    await this.#store(client, last, heads, now);
    return heads.at(-1)!.sessionId;
  }

  async #store(client: PoolClient, last: LastCheckpoint, heads: CheckpointHead[], madeAt: number): Promise<void> {
    const { signer } = this.#options;
    const tree = merkleTree(heads.map(headText));
    const number = last.number + 1;
    const text = checkpointText({
      ...{ number, madeAt, heads: heads.length },
      previousHash: last.hash.toString('hex'),
      root: tree.root.toString('hex'),
    });
    const [signature, publicKey] = await Promise.all([signer.sign(text), signer.publicKey()]);
    const hash = createHash('sha256').update(text).digest();
    await client.query(
      `INSERT INTO activity_checkpoints (number, made_at, previous_hash, heads, root, hash, signature, public_key)
       VALUES ($1, to_timestamp($2::float8 / 1000), $3, $4, $5, $6, $7, $8)`,
      [number, madeAt, last.hash, heads.length, tree.root, hash, signature, publicKey],
    );
    await saveHeads(client, number, heads, tree);
  }
}

async function lastCheckpoint(client: PoolClient): Promise<LastCheckpoint> {
  const { rows } = await client.query<LastCheckpoint>(
    `SELECT number::float8 AS number, (extract(epoch FROM made_at) * 1000)::float8 AS "madeAt", heads, hash
     FROM activity_checkpoints ORDER BY activity_checkpoints.number DESC LIMIT 1`,
  );
  return rows[0] ?? nothing;
}

/** Stores heads and undoes it. @throws the error of PostgreSQL if one of them cannot be stored. */
async function tryHeads(pool: Database, heads: readonly CheckpointHead[]): Promise<[]> {
  let isStored = false;
  try {
    await inTransaction(pool, 'write', async (client) => {
      await saveHeads(client, trialNumber, heads, merkleTree(heads.map(headText)));
      isStored = true;
      throw new Error('The heads were only tried.');
    });
  } catch (error) {
    if (!isStored) throw error;
  }
  return [];
}

async function grownHeads(client: PoolClient, after: string, limit: number, now: number): Promise<CheckpointHead[]> {
  const { rows } = await client.query<CheckpointHead>(
    `SELECT session_id AS "sessionId", sequence::float8 AS sequence, encode(hash, 'hex') AS hash
     FROM activity_chains WHERE activity_chains.sequence > checkpointed_sequence AND session_id > $1
       AND ${notSetAside('checkpoint', 'session_id', 'to_timestamp($3::float8 / 1000)')}
     ORDER BY session_id LIMIT $2`,
    [after, limit, now],
  );
  return rows;
}

async function saveHeads(
  client: PoolClient,
  number: number,
  heads: readonly CheckpointHead[],
  tree: MerkleTree,
): Promise<void> {
  const values = [
    heads.map(({ sessionId }) => sessionId),
    heads.map(({ sequence }) => String(sequence)),
    heads.map(({ hash }) => Buffer.from(hash, 'hex')),
    tree.paths.map((path) => Buffer.concat(path)),
  ];
  await client.query(
    `INSERT INTO activity_checkpoint_heads (number, session_id, sequence, hash, path, leaf)
     SELECT $5, h.session_id, h.sequence, h.hash, h.path, h.n - 1
     FROM unnest($1::uuid[], $2::bigint[], $3::bytea[], $4::bytea[]) WITH ORDINALITY AS h (session_id, sequence, hash, path, n)`,
    [...values, number],
  );
  await client.query(
    `UPDATE activity_chains c SET checkpointed_sequence = h.sequence
     FROM unnest($1::uuid[], $2::bigint[]) AS h (session_id, sequence) WHERE c.session_id = h.session_id`,
    values.slice(0, 2),
  );
}

const headsKey = 't.number::text';

/** The heads of the first checkpoints before $1 whose links are all removed, without those that are set aside at $2. */
const removableHeads: Omit<OldRows, 'values'> = {
  ...{ step: 'checkpoint-heads', table: 'activity_checkpoint_heads', key: headsKey },
  due: `t.number IN (
    SELECT t.number FROM activity_checkpoints t
    WHERE made_at < to_timestamp($1::float8 / 1000)
      AND EXISTS (SELECT FROM activity_checkpoint_heads h WHERE h.number = t.number)
      AND NOT EXISTS (
        SELECT FROM activity_checkpoint_heads h LEFT JOIN activity_chains c ON c.session_id = h.session_id
        WHERE h.number = t.number AND (c.session_id IS NULL OR h.sequence > c.anchor_sequence))
      AND ${notSetAside('checkpoint-heads', headsKey, 'to_timestamp($2::float8 / 1000)')}
    ORDER BY t.number LIMIT ${expiredCheckpoints})`,
};
