import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { verifyCheckpoints, verifyTrail } from '../../client/verify/index.ts';
import type { ActivityItem, Session } from '../../protocol/entities.ts';
import { tokenOf } from '../support/client.ts';
import { readHttp } from '../support/http-api.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';

const project = join(__dirname, '..', '..');
let stack: TestStack;
let session: Session;
let tokens: Record<string, string>;

beforeAll(async () => {
  stack = await startTestStack();
  ({ session } = await stack.host('olive', { isPublic: false }));
  const other = await stack.host('pat');
  // While PostgreSQL is slow, entries wait in the outbox. The checkpoint has the chains that have entries.
  const isWritten = async ({ id }: Session) => (await stack.audit(id)).length > 0;
  for (const each of [session, other.session]) while (!(await isWritten(each))) await pause(50);
  await stack.fireSchedule('CleanupSweep');
  const users = ['olive', 'stranger'];
  tokens = Object.fromEntries(await Promise.all(users.map(async (user) => [user, (await tokenOf(stack, user)).token])));
  tokens['root'] = (await tokenOf(stack, 'root', { admin: true })).token;
});
afterAll(() => stack.close());

async function get(path: string, user: string) {
  const response = await readHttp(stack, path, tokens[user]);
  return { status: response.status, body: await response.json() };
}

test('[OP4] an operator reads and verifies the trail of a private session, page by page, without addresses', async () => {
  const items: ActivityItem[] = [];
  let next: string | undefined;
  do {
    const before = next === undefined ? '' : `&before=${next}`;
    const { status, body } = await get(`/sessions/${session.id}/activity?limit=1${before}`, 'root');
    expect([status, body.sessionId, body.items.length]).toEqual([200, session.id, 1]);
    items.push(...body.items);
    ({ next } = body);
  } while (next !== undefined);
  const own = await get(`/sessions/${session.id}/activity`, 'olive');
  expect(own.body.items.some(({ ipAddress }: ActivityItem) => ipAddress !== null)).toBe(true);
  expect(items.map(({ id }) => id)).toEqual(own.body.items.map(({ id }: ActivityItem) => id));
  expect(items.filter(({ ipAddress, userAgent }) => ipAddress !== null || userAgent !== null)).toEqual([]);
  expect(items.filter(({ link }) => typeof link === 'object' && 'salt' in link)).toEqual([]);
  const { body } = await get(`/sessions/${session.id}/checkpoints`, 'root');
  expect(body.sessionId).toBe(session.id);
  const isComplete = true;
  const publicKeys = [body.items[0].checkpoint.publicKey];
  const found = await verifyTrail(items, { isComplete, proofs: body.items, publicKeys });
  expect(found).toMatchObject({ valid: true, unchecked: [], chains: [{ links: items.length }], proven: 1 });
  const forged = items.map((item, index) => (index === 1 ? { ...item, username: 'Eve' } : item));
  expect((await verifyTrail(forged, { isComplete })).faults).toMatchObject([{ activityId: items[1]!.id }]);
});

test('[OP4] nobody else reads the trail of a private session, an unknown session is not found, and its reports stay closed', async () => {
  for (const part of ['activity', 'checkpoints']) {
    expect((await get(`/sessions/${session.id}/${part}`, 'stranger')).status).toBe(404);
    expect((await get(`/sessions/SESSION-NONE/${part}`, 'root')).status).toBe(404);
  }
  expect((await get(`/sessions/${session.id}/attendance`, 'root')).status).toBe(404);
});

/** Runs `npm run audit:verify` with files that have these contents. */
async function auditVerify(
  files: Record<string, unknown>,
  ...more: string[]
): Promise<{ code: number; output: string }> {
  const names: string[] = [];
  for (const [option, content] of Object.entries(files)) {
    const file = join(stack.dataDirectory, `${option}.json`);
    await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
    names.push(`--${option}`, file);
  }
  const node = join(project, 'node_modules', '.bin', 'node');
  const { rows } = await stack.database.query('SELECT current_database() AS name');
  const url = new URL(stack.stores.database.url);
  expect(url.pathname).toBe(`/${rows[0].name}`);
  const env = { PATH: process.env['PATH'] ?? '', DATABASE_URL: url.href };
  return new Promise((resolve) => {
    execFile(node, ['scripts/audit-verify.ts', ...names, ...more], { cwd: project, env }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, output: stdout + stderr }),
    );
  });
}

test('[AC8] the sweep makes a signed checkpoint, which all users with a token can read', async () => {
  const { status, body } = await get('/checkpoints', 'stranger');
  expect([status, body.items.length]).toEqual([200, 1]);
  expect(body.items[0]).toMatchObject({ number: 1, heads: 2 });
  expect(JSON.stringify(body)).not.toContain(session.id);
  expect(await verifyCheckpoints(body.items, { publicKeys: [body.items[0].publicKey], isComplete: true })).toEqual([]);
  expect((await get('/checkpoints?before=1', 'stranger')).body).toEqual({ items: [] });
  expect(await get('/checkpoints?before=x', 'stranger')).toMatchObject({
    status: 400,
    body: { code: 'INVALID_MESSAGE' },
  });
  expect((await readHttp(stack, '/checkpoints')).status).toBe(401);
});

test('only users who may read the trail of a session get the proofs for it', async () => {
  const { body } = await get(`/sessions/${session.id}/checkpoints`, 'olive');
  const trail = await get(`/sessions/${session.id}/activity`, 'olive');
  const publicKeys = [body.items[0].checkpoint.publicKey];
  const verification = await verifyTrail(trail.body.items, { proofs: body.items, publicKeys });
  expect(verification).toMatchObject({ valid: true, proven: 1 });
  // A stranger cannot tell a session that they may not see from one that does not exist (rule SE13).
  expect((await get(`/sessions/${session.id}/checkpoints`, 'stranger')).status).toBe(404);
});

test('the command checks the database, an export and kept checkpoints', async () => {
  const { body: kept } = await get('/checkpoints', 'olive');
  const { body: proofs } = await get(`/sessions/${session.id}/checkpoints`, 'olive');
  const { body: file } = await get(`/sessions/${session.id}/activity`, 'olive');
  const key = kept.items[0].publicKey;
  const whole = await auditVerify({ published: kept, key });
  expect(whole.output).toContain(`ok      checkpoints  1 signed, last 1:${kept.items[0].hash}`);
  expect(whole.code).toBe(0);
  const offline = await auditVerify({ file, proofs, key }, '--part');
  expect(offline).toMatchObject({ code: 0, output: expect.stringContaining('a signed checkpoint proves: 1.') });
  const forged = { items: [{ ...proofs.items[0], hash: 'f'.repeat(64) }] };
  expect(await auditVerify({ file, proofs: forged, key }, '--part')).toMatchObject({ code: 1 });
  const other = [{ ...kept.items[0], number: 2 }];
  expect((await auditVerify({ published: other, key })).output).toContain('checkpoint 2 is missing');
  expect(await auditVerify({ published: { items: [1] } })).toMatchObject({ code: 2 });
  expect(await auditVerify({ file, proofs })).toMatchObject({ code: 2, output: expect.stringContaining('--key') });
});
