import type { PoolClient } from 'pg';
import type { ChainFault, SealedEntry } from '../../protocol/audit-chain.ts';
import { RollcallError } from '../../protocol/errors.ts';
import { isUuid } from '../../protocol/uuid.ts';
import { inTransaction } from '../platform/transaction.ts';
import type { Database } from './activity-repository.ts';
import { genesisHash, linkHash, sealedColumns } from './chain-link.ts';

export interface BrokenLink {
  fault: ChainFault;
  /** The number of the link; null for an entry without a link. */
  sequence: number | null;
  activityId: string | null;
}

export interface ChainVerification {
  sessionId: string;
  valid: boolean;
  /** The number of links that were verified. */
  links: number;
  /** The number of entries that have no seal yet. They are not checked. */
  unsealed: number;
  /** The number of the last link that the retention removed; 0 if it removed none. */
  anchorSequence: number;
  /** The newest link. If you store it elsewhere, you can detect later that the whole chain was replaced. */
  head: { sequence: number; hash: string };
  /** The first fault. */
  broken?: BrokenLink;
}

interface Chain {
  sequence: bigint;
  hash: Buffer;
  anchorSequence: bigint;
  anchorHash: Buffer;
}

interface StoredLink extends SealedEntry {
  sequence: string;
  previousHash: Buffer;
  hash: Buffer;
  version: 1 | 2;
  salt: Buffer | null;
  entryExists: boolean;
}

interface Walk {
  sequence: bigint;
  hash: Buffer;
  /** The entry of the link; undefined at the anchor. */
  activityId?: string;
  broken?: BrokenLink;
}

const batchItems = 1000;

/** Verifies the hash chains of the audit trail. Each check reads one consistent snapshot of the database. */
export class ChainVerifier {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Verifies the chain of a session from its anchor to its head and names the first link that is wrong.
   *
   * @throws RollcallError INVALID_MESSAGE if the id is not a UUID.
   */
  async verify(sessionId: string): Promise<ChainVerification> {
    if (!isUuid(sessionId))
      throw new RollcallError('INVALID_MESSAGE', 'The session to verify must be named by its UUID.');
    return inTransaction(this.#database, 'read', (client) => verifyIn(client, sessionId.toLowerCase()));
  }

  /** Every session that has entries or a chain. */
  async sessionIds(): Promise<string[]> {
    const { rows } = await this.#database.query<{ id: string }>(
      'SELECT session_id AS id FROM activity_chains UNION SELECT session_id FROM activity_log ORDER BY 1',
    );
    return rows.map((row) => row.id);
  }
}

async function verifyIn(client: PoolClient, sessionId: string): Promise<ChainVerification> {
  const chain = await chainOf(client, sessionId);
  const walk = await walkLinks(client, sessionId, chain);
  const broken = walk.broken ?? headFault(chain, walk) ?? (await addedEntry(client, sessionId));
  return {
    sessionId,
    valid: broken === undefined,
    links: Number(walk.sequence - chain.anchorSequence),
    unsealed: await countUnsealed(client, sessionId),
    anchorSequence: Number(chain.anchorSequence),
    head: { sequence: Number(chain.sequence), hash: chain.hash.toString('hex') },
    ...(broken ? { broken } : {}),
  };
}

async function chainOf(client: PoolClient, sessionId: string): Promise<Chain> {
  const { rows } = await client.query<{ sequence: string; hash: Buffer; anchor: string; anchorHash: Buffer }>(
    `SELECT sequence, hash, anchor_sequence AS anchor, anchor_hash AS "anchorHash"
     FROM activity_chains WHERE session_id = $1`,
    [sessionId],
  );
  const row = rows[0];
  if (!row) return { sequence: 0n, hash: genesisHash, anchorSequence: 0n, anchorHash: genesisHash };
  const { hash, anchorHash } = row;
  const anchorSequence = BigInt(row.anchor);
  // Before the first link there is nothing that a row could say.
  const isWhole = anchorSequence === 0n;
  return { sequence: BigInt(row.sequence), hash, anchorSequence, anchorHash: isWhole ? genesisHash : anchorHash };
}

async function walkLinks(client: PoolClient, sessionId: string, chain: Chain): Promise<Walk> {
  const walk: Walk = { sequence: chain.anchorSequence, hash: chain.anchorHash };
  for (;;) {
    const links = await linksAfter(client, sessionId, walk.sequence);
    for (const link of links) {
      const fault = faultOf(sessionId, walk, link);
      if (fault?.fault === 'link_moved' && walk.activityId && (await isRightAfterIt(client, sessionId, link))) {
        // This link and those after it name another hash of the link before: that one was computed again.
        const { sequence, activityId } = walk;
        return { ...walk, broken: { fault: 'entry_altered', sequence: Number(sequence), activityId } };
      }
      if (fault) return { ...walk, broken: fault };
      walk.sequence = BigInt(link.sequence);
      walk.hash = link.hash;
      walk.activityId = link.id;
    }
    if (links.length < batchItems) return walk;
  }
}

async function linksAfter(
  client: PoolClient,
  sessionId: string,
  sequence: bigint,
  limit = batchItems,
): Promise<StoredLink[]> {
  const { rows } = await client.query<StoredLink>(
    `SELECT s.sequence, s.previous_hash AS "previousHash", s.hash, s.version, s.salt, s.activity_id AS id,
       a.id IS NOT NULL AS "entryExists", ${sealedColumns}
     FROM (
       SELECT * FROM activity_seals WHERE session_id = $1 AND sequence > $2 ORDER BY sequence LIMIT $3
     ) s LEFT JOIN activity_log a ON a.id = s.activity_id AND a.session_id = s.session_id
     ORDER BY s.sequence`,
    [sessionId, String(sequence), limit],
  );
  return rows;
}

/** Whether a link fits to its entry and to the hash that it names, and the next one follows it. */
async function isRightAfterIt(client: PoolClient, sessionId: string, link: StoredLink): Promise<boolean> {
  const before = { sequence: BigInt(link.sequence) - 1n, hash: link.previousHash };
  if (faultOf(sessionId, before, link)) return false;
  const [next] = await linksAfter(client, sessionId, BigInt(link.sequence), 1);
  return !next || next.previousHash.equals(link.hash);
}

function faultOf(sessionId: string, before: Walk, link: StoredLink): BrokenLink | undefined {
  const expected = before.sequence + 1n;
  const sequence = BigInt(link.sequence);
  if (sequence !== expected) return { fault: 'link_missing', sequence: Number(expected), activityId: null };
  const found = (fault: ChainFault): BrokenLink => ({ fault, sequence: Number(sequence), activityId: link.id });
  if (!link.previousHash.equals(before.hash)) return found('link_moved');
  if (!link.entryExists) return found('entry_missing');
  const { version, salt } = link;
  const hash = linkHash({ version, sessionId, sequence, previousHash: before.hash, salt }, link.id, link);
  return hash.equals(link.hash) ? undefined : found('entry_altered');
}

/** Checks that the last link is the head, after the links were checked against each other. */
function headFault(chain: Chain, walk: Walk): BrokenLink | undefined {
  if (walk.sequence === chain.sequence && walk.hash.equals(chain.hash)) return undefined;
  if (walk.sequence < chain.sequence) {
    return { fault: 'link_missing', sequence: Number(walk.sequence) + 1, activityId: null };
  }
  const beyond = walk.sequence > chain.sequence ? 1 : 0;
  return { fault: 'link_moved', sequence: Number(chain.sequence) + beyond, activityId: null };
}

/** The oldest entry that has neither a seal nor a ticket for one. */
async function addedEntry(client: PoolClient, sessionId: string): Promise<BrokenLink | undefined> {
  const { rows } = await client.query<{ id: string }>(
    `SELECT a.id FROM activity_log a
     WHERE a.session_id = $1
       AND NOT EXISTS (SELECT FROM activity_seals s WHERE s.activity_id = a.id AND s.session_id = a.session_id)
       AND NOT EXISTS (SELECT FROM activity_unsealed t WHERE t.session_id = $1 AND t.activity_id = a.id)
     ORDER BY a.created_at, a.id LIMIT 1`,
    [sessionId],
  );
  return rows[0] && { fault: 'entry_added', sequence: null, activityId: rows[0].id };
}

async function countUnsealed(client: PoolClient, sessionId: string): Promise<number> {
  const { rows } = await client.query<{ count: number }>(
    'SELECT count(*)::float8 AS count FROM activity_unsealed WHERE session_id = $1',
    [sessionId],
  );
  return rows[0]!.count;
}
