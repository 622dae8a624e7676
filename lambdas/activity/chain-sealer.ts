import { randomBytes } from 'node:crypto';
import type { PoolClient } from 'pg';
import type { SealedEntry } from '../../protocol/audit-chain.ts';
import { isRowFault } from '../platform/row-fault.ts';
import { notSetAside, SetAside } from '../platform/set-aside.ts';
import { inTransaction } from '../platform/transaction.ts';
import type { Database } from './activity-repository.ts';
import { genesisHash, linkHash, linkVersion, sealedColumns } from './chain-link.ts';

export interface SealResult {
  /** Links that were added. */
  sealed: number;
  /** False if the time was over before all entries were sealed, or if another sealer is running. */
  complete: boolean;
}

const batchItems = 1000;
/** Key of the advisory lock that lets one sealer work at a time. */
const sealerLock = 7_310_100;

interface Ticket extends SealedEntry {
  position: string;
  sessionId: string;
  entryExists: boolean;
  alreadySealed: boolean;
}

interface Head {
  sequence: bigint;
  hash: Buffer;
  /** The time of the oldest entry in the chain, if this batch contains it. */
  oldestAt: string | null;
}

interface Link {
  sessionId: string;
  sequence: bigint;
  entryId: string;
  previousHash: Buffer;
  hash: Buffer;
  salt: Buffer | null;
}

/**
 * Adds new entries to the hash chains of their sessions, in the order of writing. An entry that comes late, from the outbox,
 * is added at the end. Several sealers may run; only one of them works at a time.
 */
export class ChainSealer {
  readonly #database: Database;
  readonly #clock: () => number;

  constructor(database: Database, clock: () => number) {
    this.#database = database;
    this.#clock = clock;
  }

  /** @param millis no new batch begins after this time. */
  async run(millis: number): Promise<SealResult> {
    const deadline = performance.now() + millis;
    for (let sealed = 0; ; ) {
      const taken = await this.#sealNext();
      if (taken === undefined) return { sealed, complete: false };
      sealed += taken.sealed;
      if (taken.tickets < batchItems) return { sealed, complete: true };
      if (performance.now() >= deadline) return { sealed, complete: false };
    }
  }

  /** A chain to which no link can be added, for example because it was changed, is set aside. The others are sealed. */
  async #sealNext(): Promise<SealedBatch | undefined> {
    const seal = (sessionId: string | null) =>
      inTransaction(this.#database, 'write', (client) => sealBatch(client, { sessionId, now: this.#clock() }));
    try {
      return await seal(null);
    } catch (error) {
      if (!isRowFault(error)) throw error;
    }
    const tickets = await oldestTickets(this.#database, { sessionId: null, now: this.#clock() });
    const aside = new SetAside(this.#database, this.#clock);
    let sealed = 0;
    for (const sessionId of new Set(tickets.map((ticket) => ticket.sessionId))) {
      try {
        sealed += (await seal(sessionId))?.sealed ?? 0;
      } catch (error) {
        if (!isRowFault(error)) throw error;
        await aside.add('seal', sessionId, error);
      }
    }
    return { tickets: tickets.length, sealed };
  }
}

interface SealedBatch {
  tickets: number;
  sealed: number;
}

/** Which tickets to take: those of one session or of all, without the chains that are set aside at `now`. */
interface Taking {
  sessionId: string | null;
  now: number;
}

/** Undefined if another sealer holds the lock. */
async function sealBatch(client: PoolClient, taking: Taking): Promise<SealedBatch | undefined> {
  const { rows } = await client.query('SELECT pg_try_advisory_xact_lock($1) AS mine', [sealerLock]);
  if (!rows[0].mine) return undefined;
  const tickets = await oldestTickets(client, taking);
  if (tickets.length === 0) return { tickets: 0, sealed: 0 };
  const heads = await headsOf(client, [...new Set(tickets.map((ticket) => ticket.sessionId))].sort());
  const links = linksOf(tickets, heads);
  await insertLinks(client, links);
  await saveHeads(client, heads);
  const positions = tickets.map((ticket) => ticket.position);
  await client.query('DELETE FROM activity_unsealed WHERE position = ANY($1::bigint[])', [positions]);
  return { tickets: tickets.length, sealed: links.length };
}

async function oldestTickets(database: Pick<Database, 'query'>, { sessionId, now }: Taking): Promise<Ticket[]> {
  const { rows } = await database.query<Ticket>(
    `SELECT t.position, t.session_id AS "sessionId", t.activity_id AS id, a.id IS NOT NULL AS "entryExists",
       EXISTS (SELECT FROM activity_seals s WHERE s.activity_id = t.activity_id) AS "alreadySealed", ${sealedColumns}
     FROM (
       SELECT * FROM activity_unsealed u
       WHERE ($1::uuid IS NULL OR u.session_id = $1) AND ${notSetAside('seal', 'u.session_id', 'to_timestamp($2::float8 / 1000)')}
       ORDER BY position LIMIT ${batchItems}
     ) t
     LEFT JOIN activity_log a ON a.id = t.activity_id AND a.session_id = t.session_id
     ORDER BY t.position`,
    [sessionId, now],
  );
  return rows;
}

/** The newest link of the chain of each session, locked. A session without a chain begins at {@link genesisHash}. */
async function headsOf(client: PoolClient, sessionIds: string[]): Promise<Map<string, Head>> {
  const { rows } = await client.query<{ id: string; sequence: string; hash: Buffer }>(
    `SELECT session_id AS id, sequence, hash FROM activity_chains
     WHERE session_id = ANY($1::uuid[]) ORDER BY session_id FOR UPDATE`,
    [sessionIds],
  );
  const heads = new Map(
    sessionIds.map((id): [string, Head] => [id, { sequence: 0n, hash: genesisHash, oldestAt: null }]),
  );
  for (const { id, sequence, hash } of rows) heads.set(id, { sequence: BigInt(sequence), hash, oldestAt: null });
  return heads;
}

/** Makes the links of the tickets and updates `heads`. */
function linksOf(tickets: Ticket[], heads: Map<string, Head>): Link[] {
  const links = new Map<string, Link>();
  for (const ticket of tickets) {
    if (ticket.alreadySealed || links.has(ticket.id)) continue;
    const { sessionId, id: entryId } = ticket;
    const head = heads.get(sessionId)!;
    const sequence = head.sequence + 1n;
    const hasConnection = ticket.ipAddress !== null || ticket.userAgent !== null;
    const salt = hasConnection ? randomBytes(16) : null;
    const frame = { version: linkVersion, sessionId, sequence, previousHash: head.hash, salt } as const;
    const hash = linkHash(frame, entryId, ticket.entryExists ? ticket : undefined);
    links.set(entryId, { sessionId, sequence, entryId, previousHash: head.hash, hash, salt });
    heads.set(sessionId, { sequence, hash, oldestAt: head.oldestAt ?? ticket.createdAt });
  }
  return [...links.values()];
}

async function insertLinks(client: PoolClient, links: Link[]): Promise<void> {
  await client.query(
    `INSERT INTO activity_seals (session_id, sequence, activity_id, previous_hash, hash, salt, version)
     SELECT *, ${linkVersion} FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::bytea[], $5::bytea[], $6::bytea[])`,
    [
      links.map((link) => link.sessionId),
      links.map((link) => String(link.sequence)),
      links.map((link) => link.entryId),
      links.map((link) => link.previousHash),
      links.map((link) => link.hash),
      links.map((link) => link.salt),
    ],
  );
}

async function saveHeads(client: PoolClient, heads: Map<string, Head>): Promise<void> {
  const all = [...heads].filter(([, head]) => head.sequence > 0n);
  await client.query(
    `INSERT INTO activity_chains AS c (session_id, sequence, hash, anchor_hash, oldest_at)
     SELECT id, sequence, hash, $5::bytea, oldest_at
     FROM unnest($1::uuid[], $2::bigint[], $3::bytea[], $4::timestamptz[]) AS h (id, sequence, hash, oldest_at)
     ON CONFLICT (session_id) DO UPDATE
     SET sequence = excluded.sequence, hash = excluded.hash, oldest_at = coalesce(c.oldest_at, excluded.oldest_at)`,
    [
      all.map(([id]) => id),
      all.map(([, head]) => String(head.sequence)),
      all.map(([, head]) => head.hash),
      all.map(([, head]) => head.oldestAt),
      genesisHash,
    ],
  );
}
