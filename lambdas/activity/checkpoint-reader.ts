import type { Checkpoint, CheckpointProof } from '../../protocol/audit-checkpoint.ts';
import type { Database } from './activity-repository.ts';

/** Which checkpoints are read: those before a number, newest first. */
export interface CheckpointQuery {
  before?: number | undefined;
  limit?: number | undefined;
}

export interface CheckpointPage<T> {
  items: T[];
  /** Give it as `before` for the next page; absent on the last one. */
  next?: number;
}

const defaultLimit = 50;

/** The columns of `activity_checkpoints k` as a {@link Checkpoint} has them. */
export const checkpointColumns = `k.number::float8 AS number, (extract(epoch FROM k.made_at) * 1000)::float8 AS "madeAt",
  encode(k.previous_hash, 'hex') AS "previousHash", k.heads, encode(k.root, 'hex') AS root, encode(k.hash, 'hex') AS hash,
  translate(encode(k.signature, 'base64'), E'\\n', '') AS signature,
  translate(encode(k.public_key, 'base64'), E'\\n', '') AS "publicKey"`;

/** Reads the checkpoints of the audit trail. */
export class CheckpointReader {
  readonly #database: Pick<Database, 'query'>;

  constructor(database: Pick<Database, 'query'>) {
    this.#database = database;
  }

  /** The signed checkpoints, newest first. They name no session. */
  async checkpoints({ before, limit = defaultLimit }: CheckpointQuery = {}): Promise<CheckpointPage<Checkpoint>> {
    const { rows } = await this.#database.query<Checkpoint>(
      `SELECT ${checkpointColumns} FROM activity_checkpoints k WHERE $1::bigint IS NULL OR k.number < $1
       ORDER BY k.number DESC LIMIT $2`,
      [before ?? null, limit + 1],
    );
    return pageOf(rows, limit, ({ number }) => number);
  }

  /** The checkpoints that contain a session, newest first, each with the proof of that. */
  async proofs(
    sessionId: string,
    { before, limit = defaultLimit }: CheckpointQuery = {},
  ): Promise<CheckpointPage<CheckpointProof>> {
    const { rows } = await this.#database.query<Checkpoint & ProofRow>(
      `SELECT ${checkpointColumns}, h.session_id AS "sessionId", h.sequence::float8 AS "headSequence",
         encode(h.hash, 'hex') AS "headHash", h.leaf, encode(h.path, 'hex') AS path
       FROM activity_checkpoint_heads h JOIN activity_checkpoints k ON k.number = h.number
       WHERE h.session_id = $1 AND ($2::bigint IS NULL OR h.number < $2) ORDER BY h.number DESC LIMIT $3`,
      [sessionId, before ?? null, limit + 1],
    );
    return pageOf(rows.map(toProof), limit, ({ checkpoint }) => checkpoint.number);
  }
}

interface ProofRow {
  sessionId: string;
  headSequence: number;
  headHash: string;
  leaf: number;
  path: string;
}

function toProof({ sessionId, headSequence, headHash, leaf, path, ...checkpoint }: Checkpoint & ProofRow) {
  const head = { sessionId, sequence: headSequence, hash: headHash };
  return { ...head, index: leaf, path: path.match(/.{64}/g) ?? [], checkpoint };
}

function pageOf<T>(rows: T[], limit: number, numberOf: (item: T) => number): CheckpointPage<T> {
  const items = rows.slice(0, limit);
  return rows.length > limit ? { items, next: numberOf(items.at(-1)!) } : { items };
}
