import { createHash, randomUUID } from 'node:crypto';
import { rowsOf } from '../../client/timeline/states.ts';
import { verifyCheckpoints, verifyTrail } from '../../client/verify/index.ts';
import type { ActivityLogger } from '../../lambdas/activity/activity-logger.ts';
import { CheckpointMaker } from '../../lambdas/activity/checkpoint-maker.ts';
import { CheckpointReader } from '../../lambdas/activity/checkpoint-reader.ts';
import type { CheckpointSigner } from '../../lambdas/activity/checkpoint-signer.ts';
import { type Checkpoint, type CheckpointProof, checkpointText } from '../../protocol/audit-checkpoint.ts';
import { checkCheckpoints } from '../../scripts/audit/verify-checkpoints.ts';
import { createLogger } from '../support/activity-logger.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { localSigner } from './local-signer.ts';
import { rewritten } from './tampered-trail.ts';

const dayMillis = 86_400_000;
const retentionMillis = 30 * dayMillis;

let database: TestDatabase;
let logger: ActivityLogger;
let reader: CheckpointReader;
let signer: ReturnType<typeof localSigner>;
let now: number;

beforeEach(async () => {
  database = await createDatabase();
  now = Date.now();
  logger = createLogger({ pool: database.pool, clock: () => now, retentionMillis });
  reader = new CheckpointReader(database.pool);
  signer = localSigner();
});
afterEach(() => database.drop());

function maker(options: { maxHeads?: number; signer?: CheckpointSigner } = {}): CheckpointMaker {
  return new CheckpointMaker({ pool: database.pool, signer, clock: () => now, retentionMillis, ...options });
}

/** Writes and seals entries in sessions. */
async function grow(...sessionIds: string[]): Promise<void> {
  for (const sessionId of sessionIds) await logger.logActivity(sessionId, null, 'step', { at: now });
  await logger.sealChains();
}

const check = (settings: { publicKeys?: string[]; published?: Checkpoint[] } = {}) =>
  checkCheckpoints(database.pool, {
    ...{ publicKeys: [], published: [], retentionBegins: now - retentionMillis, now },
    ...settings,
  });
const faults = async (settings: Parameters<typeof check>[0] = {}) => (await check(settings)).faults;
const proofsOf = async (sessionId: string) => (await reader.proofs(sessionId)).items;

describe('a checkpoint', () => {
  test('[AC8] is made once a day, with the chains that grew since the previous one', async () => {
    const [one, other] = [randomUUID(), randomUUID()];
    await grow(one, other);
    expect(await maker().run()).toBe(1);
    await grow(one);
    expect(await maker().run()).toBe(0);
    now += dayMillis;
    expect(await maker().run()).toBe(1);
    now += dayMillis;
    expect(await maker().run()).toBe(0);
    const { items } = await reader.checkpoints();
    expect(items).toMatchObject([
      { number: 2, heads: 1, previousHash: items[1]!.hash },
      { number: 1, heads: 2, previousHash: '0'.repeat(64) },
    ]);
    expect(await proofsOf(one)).toMatchObject([{ sequence: 2 }, { sequence: 1 }]);
    expect(await proofsOf(other)).toMatchObject([{ sequence: 1 }]);
    expect(await faults({ publicKeys: [signer.key], published: items })).toEqual([]);
  });

  test('has a limited number of chains, and the others are in the next one on the same day', async () => {
    await grow(...Array.from({ length: 7 }, () => randomUUID()));
    expect(await maker({ maxHeads: 3 }).run()).toBe(3);
    const { items } = await reader.checkpoints();
    expect(items.map(({ heads }) => heads)).toEqual([1, 3, 3]);
    expect(await faults()).toEqual([]);
  });

  test('continues on the same day after an interruption', async () => {
    await grow(...Array.from({ length: 5 }, () => randomUUID()));
    let signatures = 0;
    const failing = {
      ...signer,
      sign: (text: string) => (++signatures > 1 ? Promise.reject(new Error('away')) : signer.sign(text)),
    };
    await expect(maker({ maxHeads: 3, signer: failing }).run()).rejects.toThrow('away');
    expect(await maker({ maxHeads: 3 }).run()).toBe(1);
    expect(await faults()).toEqual([]);
  });

  test('is not stored without a signature', async () => {
    const session = randomUUID();
    await grow(session);
    const failing = { ...signer, sign: () => Promise.reject(new Error('KMS is away')) };
    await expect(maker({ signer: failing }).run()).rejects.toThrow('KMS is away');
    expect((await reader.checkpoints()).items).toEqual([]);
    expect(await maker().run()).toBe(1);
    expect(await proofsOf(session)).toHaveLength(1);
  });

  test('is made once even if several sweeps run', async () => {
    await grow(...Array.from({ length: 5 }, () => randomUUID()));
    const made = await Promise.all(Array.from({ length: 4 }, () => maker().run()));
    expect(made.reduce((sum, count) => sum + count)).toBe(1);
    expect(await faults()).toEqual([]);
  });

  test('is listed in pages, like the proofs of a session', async () => {
    const session = randomUUID();
    for (let day = 0; day < 5; day += 1, now += dayMillis) {
      await grow(session);
      await maker().run();
    }
    for (const read of [reader.checkpoints.bind(reader), reader.proofs.bind(reader, session)]) {
      const first = await read({ limit: 3 });
      const second = await read({ limit: 3, before: first.next });
      expect([first.items.length, second.items.length, second.next]).toEqual([3, 2, undefined]);
    }
  });

  test('stays valid after retention removed all links of its heads', async () => {
    const session = randomUUID();
    await grow(session);
    await maker().run();
    now += retentionMillis + dayMillis;
    await maker().removeExpired();
    expect(await proofsOf(session)).toHaveLength(1);
    await grow(session);
    await logger.removeExpired();
    await maker().removeExpired();
    expect(await proofsOf(session)).toHaveLength(0);
    expect(await maker().run()).toBe(1);
    expect(await faults()).toEqual([]);
  });
});

describe('a proof', () => {
  test.each([1, 2, 3, 4, 5, 7, 8, 9])(
    'of a checkpoint with %i chains proves each chain without a server',
    async (count) => {
      const sessions = Array.from({ length: count }, () => randomUUID());
      await grow(...sessions);
      await maker().run();
      for (const session of sessions) {
        const proofs = await proofsOf(session);
        const items = await logger.getRecentActivity(session);
        const options = { isComplete: true, proofs, publicKeys: [signer.key] };
        expect(await verifyTrail(items, options)).toMatchObject({ valid: true, proven: 1 });
      }
    },
  );

  const forgeries: Record<string, (proof: CheckpointProof) => CheckpointProof> = {
    'another hash': (proof) => ({ ...proof, hash: 'f'.repeat(64) }),
    'another link': (proof) => ({ ...proof, sequence: proof.sequence + 1 }),
    'another place': (proof) => ({ ...proof, index: (proof.index + 1) % 3 }),
    'a place outside': (proof) => ({ ...proof, index: -1 }),
    'a path that is too short': (proof) => ({ ...proof, path: proof.path.slice(1) }),
    'a path that is too long': (proof) => ({ ...proof, path: [...proof.path, 'f'.repeat(64)] }),
    'another root': (proof) => ({ ...proof, checkpoint: { ...proof.checkpoint, root: 'f'.repeat(64) } }),
    'another time': (proof) => ({ ...proof, checkpoint: { ...proof.checkpoint, madeAt: proof.checkpoint.madeAt + 1 } }),
    'a text that was hashed again': ({ checkpoint, ...proof }) => {
      const changed = { ...checkpoint, root: 'f'.repeat(64) };
      const hash = createHash('sha256').update(checkpointText(changed)).digest('hex');
      return { ...proof, checkpoint: { ...changed, hash } };
    },
    'a signature that nobody can read': ({ checkpoint, ...proof }) => ({
      ...proof,
      checkpoint: { ...checkpoint, signature: '%' },
    }),
    'no checkpoint': (proof) => ({ ...proof, checkpoint: null! }),
    'a path that is no list': (proof) => ({ ...proof, path: { length: 2 } as never }),
    'a time that is none': (proof) => ({ ...proof, checkpoint: { ...proof.checkpoint, madeAt: 1e300 } }),
    'another key': ({ checkpoint, ...proof }) => ({
      ...proof,
      checkpoint: { ...checkpoint, publicKey: localSigner().key },
    }),
  };
  test.each(Object.entries(forgeries))('with %s is refused', async (_, forge) => {
    const session = randomUUID();
    await grow(session, randomUUID(), randomUUID());
    await maker().run();
    const [proof] = (await proofsOf(session)) as [CheckpointProof];
    const items = await logger.getRecentActivity(session);
    const options = { publicKeys: [signer.key], proofs: [forge(proof)] };
    expect((await verifyTrail(items, options)).faults).toMatchObject([{ fault: 'proof_forged', sessionId: session }]);
  });

  test('shows up to which entry an export is proved, if somebody wrote its history again from an entry on', async () => {
    const session = randomUUID();
    for (let day = 0; day < 3; day += 1, now += dayMillis) {
      await grow(session, session);
      await maker().run();
    }
    const items = (await logger.getRecentActivity(session)).reverse();
    const options = { isComplete: true, proofs: await proofsOf(session), publicKeys: [signer.key] };
    const forged = rewritten(items, 2, { activityType: 'harmless' });
    expect(await verifyTrail(forged, { isComplete: true })).toMatchObject({ valid: true });
    const verification = await verifyTrail(forged, options);
    expect(verification.faults).toMatchObject([
      { fault: 'link_moved', sequence: 4, after: 2, activityId: items[3]!.id },
      { fault: 'link_moved', sequence: 6, after: 2 },
    ]);
    const { rows, broken } = rowsOf(forged, verification);
    expect(rows.map(({ state }) => state)).toEqual([
      ...['proved', 'proved', 'unproved', 'link_moved', 'unproved', 'link_moved'],
    ]);
    expect(broken).toMatchObject({ sequence: 4 });
  });

  test('shows that the chain of an export was recomputed or cut', async () => {
    const session = randomUUID();
    await grow(session, randomUUID());
    await grow(session);
    await maker().run();
    const options = { isComplete: true, proofs: await proofsOf(session), publicKeys: [signer.key] };
    await replaceChain(session);
    const replaced = await logger.getRecentActivity(session);
    expect(await verifyTrail(replaced, { isComplete: true })).toMatchObject({ valid: true });
    expect((await verifyTrail(replaced, options)).faults).toMatchObject([{ fault: 'link_moved', sequence: 2 }]);
    expect((await verifyTrail([], options)).faults).toMatchObject([{ fault: 'link_missing', sessionId: session }]);
  });
});

/** What the owner of the database can do: changes an entry and computes the whole chain again. */
async function replaceChain(sessionId: string): Promise<void> {
  const { pool } = database;
  await pool.query(`UPDATE activity_log SET details = '{"forged": true}' WHERE session_id = $1`, [sessionId]);
  await pool.query('DELETE FROM activity_seals WHERE session_id = $1', [sessionId]);
  await pool.query(
    `UPDATE activity_chains SET sequence = 0, hash = anchor_hash, checkpointed_sequence = 0 WHERE session_id = $1`,
    [sessionId],
  );
  await pool.query(
    `INSERT INTO activity_unsealed (session_id, activity_id)
     SELECT session_id, id FROM activity_log WHERE session_id = $1 ORDER BY created_at, id`,
    [sessionId],
  );
  await logger.sealChains();
}

describe('the verification finds that the owner of the database', () => {
  let session: string;
  let published: Checkpoint[];

  beforeEach(async () => {
    session = randomUUID();
    await grow(session, randomUUID());
    await maker().run();
    now += dayMillis;
    await grow(session);
    await maker().run();
    published = (await reader.checkpoints()).items;
    expect(await faults({ published })).toEqual([]);
  });

  /** Makes the checkpoints again from what is in the database now. */
  async function makeAgain(forger: CheckpointSigner): Promise<void> {
    await database.pool.query('DELETE FROM activity_checkpoint_heads');
    await database.pool.query('DELETE FROM activity_checkpoints');
    await database.pool.query('UPDATE activity_chains SET checkpointed_sequence = 0');
    await maker({ signer: forger }).run();
  }

  test('[AC8] recomputed a chain', async () => {
    await replaceChain(session);
    expect(await logger.verifyChain(session)).toMatchObject({ valid: true });
    expect(await faults()).toEqual([
      { fault: 'chain_replaced', number: 1, sessionId: session },
      { fault: 'chain_replaced', number: 2, sessionId: session },
    ]);
  });

  test('deleted a chain', async () => {
    for (const table of ['activity_log', 'activity_seals', 'activity_chains']) {
      await database.pool.query(`DELETE FROM ${table} WHERE session_id = $1`, [session]);
    }
    expect(await faults()).toContainEqual({ fault: 'chain_replaced', number: 2, sessionId: session });
  });

  test('changed the heads too', async () => {
    await replaceChain(session);
    await database.pool.query(
      `UPDATE activity_checkpoint_heads h SET hash = s.hash FROM activity_seals s
       WHERE s.session_id = h.session_id AND s.sequence = h.sequence`,
    );
    expect(await faults()).toEqual([
      { fault: 'checkpoint_altered', number: 1 },
      { fault: 'checkpoint_altered', number: 2 },
    ]);
  });

  test('[AC8] deleted the beginning of a chain as if its retention had ended', async () => {
    await grow(session, session);
    now += dayMillis;
    await maker().run();
    const shorten = async (sequence: number) => {
      await database.pool.query(
        `UPDATE activity_chains c SET anchor_sequence = s.sequence, anchor_hash = s.hash FROM activity_seals s
         WHERE s.session_id = c.session_id AND s.sequence = $2 AND c.session_id = $1`,
        [session, sequence],
      );
      await database.pool.query(
        `DELETE FROM activity_log WHERE id IN (SELECT activity_id FROM activity_seals WHERE session_id = $1 AND sequence <= $2)`,
        [session, sequence],
      );
      await database.pool.query('DELETE FROM activity_seals WHERE session_id = $1 AND sequence <= $2', [
        session,
        sequence,
      ]);
    };
    for (const sequence of [2, 3, 4]) {
      await shorten(sequence);
      expect(await logger.verifyChain(session)).toMatchObject({ valid: true, anchorSequence: sequence });
      expect(await faults()).toEqual([{ fault: 'shortened_early', number: null, sessionId: session }]);
    }
  });

  test('[AC8] deleted the beginning of a chain that had no checkpoint yet', async () => {
    const other = randomUUID();
    now += dayMillis;
    await grow(other, other, session);
    await maker().run();
    await database.pool.query(
      `UPDATE activity_chains c SET anchor_sequence = 1, anchor_hash = s.hash FROM activity_seals s
       WHERE s.session_id = c.session_id AND s.sequence = 1 AND c.session_id = $1`,
      [other],
    );
    await database.pool.query('DELETE FROM activity_seals WHERE session_id = $1 AND sequence = 1', [other]);
    await database.pool.query(
      `DELETE FROM activity_log WHERE session_id = $1 AND id NOT IN (SELECT activity_id FROM activity_seals)`,
      [other],
    );
    expect(await logger.verifyChain(other)).toMatchObject({ valid: true });
    expect(await faults()).toEqual([{ fault: 'shortened_early', number: null, sessionId: other }]);
  });

  test('deleted the heads', async () => {
    await database.pool.query('DELETE FROM activity_checkpoint_heads WHERE number = 1');
    expect(await faults()).toContainEqual({ fault: 'heads_missing', number: 1 });
  });

  test('signed new checkpoints with another key', async () => {
    await replaceChain(session);
    await makeAgain(localSigner());
    expect(await faults({ publicKeys: [signer.key] })).toEqual([{ fault: 'checkpoint_unsigned', number: 1 }]);
  });

  test('[AC8] signed new checkpoints with the same key, because the published ones differ', async () => {
    await replaceChain(session);
    await makeAgain(signer);
    expect(await faults({ publicKeys: [signer.key] })).toEqual([]);
    expect(await faults({ publicKeys: [signer.key], published })).toEqual([
      { fault: 'checkpoint_altered', number: 1 },
      { fault: 'checkpoint_missing', number: 2 },
    ]);
  });

  test('changed a checkpoint', async () => {
    await database.pool.query(`UPDATE activity_checkpoints SET made_at = made_at - interval '1 day' WHERE number = 1`);
    expect(await faults()).toEqual([{ fault: 'checkpoint_altered', number: 1 }]);
  });

  test.each([
    [1, { fault: 'checkpoint_missing', number: 1 }],
    [2, { fault: 'checkpoint_missing', number: null }],
  ])('deleted checkpoint %i', async (number, found) => {
    await database.pool.query('DELETE FROM activity_checkpoints WHERE number = $1', [number]);
    expect(await faults()).toContainEqual(expect.objectContaining(found));
    expect(await faults({ published })).toContainEqual({ fault: 'checkpoint_missing', number });
  });

  test('deleted the last checkpoint with its heads', async () => {
    await database.pool.query('DELETE FROM activity_checkpoints WHERE number = 2');
    await database.pool.query('DELETE FROM activity_checkpoint_heads WHERE number = 2');
    expect(await faults()).toEqual([{ fault: 'checkpoint_missing', number: null, sessionId: session }]);
  });

  describe('deleted the newest checkpoints with their heads, as if they had never been made:', () => {
    async function deleteFrom(number: number): Promise<void> {
      await database.pool.query('DELETE FROM activity_checkpoint_heads WHERE number >= $1', [number]);
      await database.pool.query('DELETE FROM activity_checkpoints WHERE number >= $1', [number]);
      await database.pool.query(
        `UPDATE activity_chains c SET checkpointed_sequence = coalesce((
           SELECT max(sequence) FROM activity_checkpoint_heads h WHERE h.session_id = c.session_id), 0)`,
      );
    }

    test.each([1, 2])('[AC8] from number %i on, if the service made none for two days', async (number) => {
      await deleteFrom(number);
      const publicKeys = [signer.key];
      expect(await faults({ publicKeys })).toEqual([]);
      now += 2 * dayMillis + 1;
      expect(await faults({ publicKeys })).toEqual([{ fault: 'newest_missing', number: null }]);
      expect(await faults()).toEqual([]);
      await maker().run();
      expect(await faults({ publicKeys })).toEqual([]);
      expect(await faults({ publicKeys, published })).toContainEqual({ fault: 'checkpoint_altered', number });
    });

    test('[AC8] but not of chains that did not grow since the newest checkpoint, and of those that grew now', async () => {
      const publicKeys = [signer.key];
      now += 30 * dayMillis;
      expect(await faults({ publicKeys })).toEqual([]);
      await grow(session, randomUUID());
      expect(await faults({ publicKeys })).toEqual([]);
      now += 2 * dayMillis + 1;
      expect(await faults({ publicKeys })).toEqual([{ fault: 'newest_missing', number: null }]);
    });
  });

  test('exchanged two published checkpoints', async () => {
    const [later, earlier] = published as [Checkpoint, Checkpoint];
    const swapped = [
      { ...earlier, number: 2 },
      { ...later, number: 1 },
    ];
    const found = await verifyCheckpoints(swapped, { publicKeys: [signer.key], isComplete: true });
    expect(found.map(({ fault }) => fault)).toEqual(['checkpoint_altered', 'checkpoint_altered']);
  });
});
