import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CheckpointMaker } from '../../lambdas/activity/checkpoint-maker.ts';
import { createLogger } from '../support/activity-logger.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { localSigner } from './local-signer.ts';
import './support.ts';

const project = join(__dirname, '..', '..');
let database: TestDatabase;
let sessionId: string;
let other: string;
let ids: string[];

beforeEach(async () => {
  database = await createDatabase();
  const logger = createLogger({ pool: database.pool });
  [sessionId, other, ids] = [randomUUID(), randomUUID(), []];
  for (let n = 0; n < 3; n++) ids.push((await logger.logActivity(sessionId, null, `t${n}`)).activity.id);
  await logger.logActivity(other, null, 'x');
  await logger.sealChains();
});

afterEach(() => database.drop());

/** Runs the command as `npm run audit:verify` does. */
function verify(environment: Record<string, string>, ...sessions: string[]) {
  const node = join(project, 'node_modules', '.bin', 'node');
  const env = { PATH: process.env['PATH'] ?? '', ...environment };
  return new Promise<{ code: number; output: string }>((resolve) => {
    execFile(node, ['scripts/audit-verify.ts', ...sessions], { cwd: project, env }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, output: stdout + stderr }),
    );
  });
}

describe('npm run audit:verify', () => {
  test('prints for each chain that it is valid, and its head', async () => {
    const { code, output } = await verify({ DATABASE_URL: database.url });
    expect(output).toMatch(new RegExp(`ok +${sessionId} +3 entries sealed, 0 waiting, head 3:[0-9a-f]{64}`));
    expect(output).toContain(`${other}  1 entries sealed`);
    expect(output).toContain('All chains are valid.');
    expect(code).toBe(0);
  });

  test('with the key, says which checkpoint is the newest, and that none exists for old links', async () => {
    const signer = localSigner();
    const folder = await mkdtemp(join(tmpdir(), 'rollcall-verify-'));
    try {
      const key = join(folder, 'key.txt');
      await writeFile(key, signer.key);
      const young = await verify({ DATABASE_URL: database.url }, '--key', key);
      expect(young).toMatchObject({ code: 0, output: expect.stringContaining('There is no checkpoint.') });
      const old = createLogger({ pool: database.pool });
      const at = Date.now() - 3 * 86_400_000;
      await old.logActivity(randomUUID(), null, 'old', {}, { at });
      await old.sealChains();
      const { code, output } = await verify({ DATABASE_URL: database.url }, '--key', key);
      expect(output).toContain('BROKEN  checkpoints  the newest checkpoint is missing');
      expect(output).toContain(
        'The clean-up has not made checkpoints since then, entries came late from the outbox, or somebody deleted',
      );
      expect(code).toBe(1);
      const clock = () => at;
      await new CheckpointMaker({ pool: database.pool, signer, clock, retentionMillis: 1e10 }).run();
      const made = await verify({ DATABASE_URL: database.url }, '--key', key);
      expect(made.output).toContain(`The newest checkpoint is number 1 of ${new Date(at).toISOString()}.`);
      expect(made.code).toBe(0);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('ends with the code 1 and names the first broken link', async () => {
    await database.pool.query(`UPDATE activity_log SET details = '{"forged": true}' WHERE id = $1`, [ids[1]]);
    const { code, output } = await verify({ DATABASE_URL: database.url });
    expect(output).toContain(`BROKEN  ${sessionId}  link 2 (entry ${ids[1]}) was changed after it was written`);
    expect(output).toMatch(new RegExp(`ok +${other}`));
    expect(code).toBe(1);
  });

  test('reads the database of the local stack, whatever the variables of the shell say about TLS', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'rollcall-verify-'));
    await writeFile(join(folder, 'endpoints.json'), JSON.stringify({ postgres: database.url }));
    const { code, output } = await verify({ ROLLCALL_DATA_DIR: folder, PGSSLMODE: 'require' });
    await rm(folder, { recursive: true });
    expect(output).toContain('All chains are valid.');
    expect(code).toBe(0);
  });

  test('verifies only the given sessions', async () => {
    await database.pool.query('DELETE FROM activity_log WHERE id = $1', [ids[1]]);
    expect(await verify({ DATABASE_URL: database.url }, other)).toMatchObject({ code: 0 });
    expect(await verify({ DATABASE_URL: database.url }, sessionId)).toMatchObject({ code: 1 });
  });

  test('finds the database of the stack that runs on this machine', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'rollcall-verify-'));
    try {
      await writeFile(join(folder, 'endpoints.json'), JSON.stringify({ postgres: database.url }));
      expect(await verify({ ROLLCALL_DATA_DIR: folder })).toMatchObject({ code: 0 });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('ends with the code 2 and one sentence if there is nothing to verify', async () => {
    const nowhere = await verify({ ROLLCALL_DATA_DIR: '/nowhere' });
    expect(nowhere.code).toBe(2);
    expect(nowhere.output.trim().split('\n')).toEqual([expect.stringContaining('start Rollcall with "npm start"')]);
    expect(await verify({ DATABASE_URL: 'postgres://127.0.0.1:1/x' })).toMatchObject({ code: 2 });
    expect(await verify({ DATABASE_URL: database.url }, 'no-id')).toMatchObject({ code: 2 });
  });
});
