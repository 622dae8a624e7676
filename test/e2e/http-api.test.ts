import { randomUUID } from 'node:crypto';
import type { Session } from '../../protocol/entities.ts';
import { tokenOf } from '../support/client.ts';
import { readHttp } from '../support/http-api.ts';
import { type Arrived, startTestStack, type TestStack } from '../support/stack.ts';

let stack: TestStack;
let owner: Arrived;
let session: Session;
let open: Session;
const tokens: Record<string, string> = {};

beforeAll(async () => {
  stack = await startTestStack();
  ({ owner, session } = await stack.host('olive', { title: 'closed', visibility: { activity: 'commenter' } }));
  open = (await stack.host('pat', { isPublic: true })).session;
  for (const role of ['viewer', 'commenter']) {
    const create = { type: 'invite_create', sessionId: session.id, role };
    const { invite } = await owner.expect('invite_created', create);
    const person = await stack.arrive(role);
    await person.expect('session_joined', { type: 'session_join', sessionId: session.id, invite });
  }
  for (let index = 0; index < 5; index += 1) {
    const details = { index, formula: '=1+1', text: 'a "quoted", line\nbreak' };
    await owner.expect('activity_logged', {
      type: 'activity_log',
      sessionId: session.id,
      activityType: 'step',
      details,
    });
  }
  for (const user of ['olive', 'viewer', 'commenter', 'stranger']) tokens[user] = (await tokenOf(stack, user)).token;
  tokens['admin'] = (await tokenOf(stack, 'root', { admin: true })).token;
});
afterAll(() => stack.close());

async function get(path: string, user?: string) {
  const response = await readHttp(stack, path, user && (tokens[user] ?? user));
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json');
  return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined };
}

const protectedPaths = ['', '/participants', '/activity', '/statistics', '/presence?at=1'];

describe.each(protectedPaths)('GET /sessions/{id}%s', (path) => {
  const forAudit = !['', '/participants'].includes(path);

  test('needs a valid token', async () => {
    expect((await get(`/sessions/${session.id}${path}`)).status).toBe(401);
    expect((await get(`/sessions/${session.id}${path}`, 'no.real.token')).status).toBe(401);
  });

  test('[SE1][DE9] answers only users who may see it', async () => {
    const status = async (user: string) => (await get(`/sessions/${session.id}${path}`, user)).status;
    expect(await status('olive')).toBe(200);
    expect(await status('commenter')).toBe(200);
    expect(await status('viewer')).toBe(forAudit ? 403 : 200);
    expect(await status('stranger')).toBe(404);
    expect((await get(`/sessions/${open.id}${path}`, 'stranger')).status).toBe(200);
  });

  test('accepts the name of a session, and answers 404 for an unknown one', async () => {
    expect((await get(`/sessions/${session.sessionId}${path}`, 'olive')).status).toBe(200);
    for (const unknown of [randomUUID(), 'SESSION-20200101-NONE', 'nonsense', "'%20OR%201=1--"]) {
      const { status, body } = await get(`/sessions/${unknown}${path}`, 'olive');
      expect([unknown, status]).toEqual([unknown, 404]);
      expect(body).toMatchObject({ code: 'SESSION_NOT_FOUND', retryable: false });
    }
    const { status, body } = await get(`/sessions/a%00${path}`, 'olive');
    expect([status, body.code]).toEqual([400, 'INVALID_MESSAGE']);
  });
});

test('GET /sessions lists the sessions that the caller owns or participates in, in pages', async () => {
  const mine = await stack.arrive('sam');
  tokens['sam'] = (await tokenOf(stack, 'sam')).token;
  const created: string[] = [];
  for (let index = 0; index < 3; index += 1) {
    const answer = await mine.expect('session_created', { type: 'session_create', operationId: `op-${index}` });
    created.unshift(answer.session.id);
  }
  const first = await get('/sessions?limit=2', 'sam');
  const second = await get(`/sessions?limit=2&before=${first.body.next}`, 'sam');
  const listed = [...first.body.items, ...second.body.items].map((item: Session) => item.id);
  expect(listed).toEqual(created);
  expect(second.body.next).toBeUndefined();
  expect((await get('/sessions')).status).toBe(401);
});

test('GET /sessions/{id}/participants lists the participants who hold a slot', async () => {
  const { body } = await get(`/sessions/${session.id}/participants`, 'viewer');
  expect(body.sessionId).toBe(session.id);
  expect(body.participants.map((one: { name: string }) => one.name).sort()).toEqual(['Commenter', 'Olive', 'Viewer']);
});

describe('GET /sessions/{id}/activity', () => {
  const path = () => `/sessions/${session.id}/activity`;

  test.each(['json', 'csv', 'ndjson'])('[AC4][AC5] is returned in pages as %s', async (format) => {
    const parts: string[] = [];
    let next: string | null = null;
    do {
      const before: string = next === null ? '' : `&before=${next}`;
      const page = await get(`${path()}?format=${format}&type=step&limit=2${before}`, 'olive');
      expect(page.status).toBe(200);
      parts.push(page.text);
      next = page.headers.get('x-next');
      if (next) expect(page.headers.get('link')).toContain('rel="next"');
    } while (next);
    expect(parts).toHaveLength(3);
    const indexes = [...parts.join('').matchAll(/index"*:(\d)/g)].map(([, index]) => Number(index));
    expect(indexes).toEqual([4, 3, 2, 1, 0]);
    if (format === 'csv') expect(parts.join('').match(/activity_?type/gi)).toHaveLength(1);
  });

  test('[AC5] as CSV begins with a byte order mark on request, only on its first page', async () => {
    const read = async (query: string) => {
      const response = await readHttp(stack, `${path()}?format=csv&limit=1${query}`, tokens['olive']);
      return { bytes: Buffer.from(await response.arrayBuffer()), next: response.headers.get('x-next') };
    };
    const mark = Buffer.from('\ufeff"id","sessionId"');
    const first = await read('&bom=1');
    expect(first.bytes.subarray(0, mark.length)).toEqual(mark);
    expect((await read(`&bom=1&before=${first.next}`)).bytes.toString()).toMatch(/^"/);
    expect((await read('')).bytes.toString()).toMatch(/^"id",/);
    expect((await read('&bom=0')).bytes.toString()).toMatch(/^"id",/);
  });

  test('is filtered by type, user and time', async () => {
    const count = async (query: string) => (await get(`${path()}?${query}`, 'olive')).body.items.length;
    expect(await count('type=step')).toBe(5);
    expect(await count(`userId=${owner.userId}&type=user_joined`)).toBe(1);
    expect(await count(`userId=${randomUUID()}`)).toBe(0);
    expect(await count('to=1')).toBe(0);
    expect(await count(`from=${Date.now() + 60_000}`)).toBe(0);
  });

  test.each([
    'limit=0',
    'limit=1001',
    'limit=x',
    'limit=1.5',
    'format=xml',
    'before=nonsense',
    'userId=bob',
    'from=yesterday',
    'to=-1',
    'to=1e99',
    `type=${'x'.repeat(101)}`,
    `before=${'x'.repeat(513)}`,
    'type=%00',
    'before=a%00',
    'bom=2',
  ])('refuses %s in one sentence', async (query) => {
    const { status, body } = await get(`${path()}?${query}`, 'olive');
    expect(status).toBe(400);
    expect(body).toEqual({ code: 'INVALID_MESSAGE', message: expect.stringMatching(/^\S.{9,}$/), retryable: false });
  });

  test.each(["type='%20OR%20'1'='1", 'type=%25'])('%s finds nothing and causes no error', async (query) => {
    const { status, body } = await get(`${path()}?${query}`, 'olive');
    expect(status === 200 ? body.items : body.code).toEqual(status === 200 ? [] : 'INVALID_MESSAGE');
  });
});

test('[SE6] the owner can read the audit trail of a purged session', async () => {
  const { owner: host, session: past } = await stack.host('quin', { isPublic: true });
  tokens['quin'] = (await tokenOf(stack, 'quin')).token;
  const note = { type: 'activity_log', sessionId: past.id, activityType: 'noted' };
  await host.expect('activity_logged', note);
  await host.expect('session_ended', { type: 'session_end', sessionId: past.id });
  await stack.database.query(`UPDATE collaboration_sessions SET end_time = now() - interval '2 days' WHERE id = $1`, [
    past.id,
  ]);
  await stack.fireSchedule('CleanupSweep');
  expect((await get(`/sessions/${past.id}`, 'quin')).status).toBe(404);
  for (const reference of [past.id, past.sessionId]) {
    const { status, body } = await get(`/sessions/${reference}/activity?type=noted`, 'quin');
    expect([status, body.sessionId, body.items.length]).toEqual([200, past.id, 1]);
    expect(body.items[0]).toMatchObject({ username: 'Quin', ipAddress: '127.0.0.1' });
  }
  expect((await get(`/sessions/${past.id}/statistics`, 'quin')).body.byType).toMatchObject({ noted: 1 });
  const query = { type: 'activity_query', sessionId: past.id, activityType: 'noted' };
  expect((await host.expect('activity_page', query)).items).toHaveLength(1);
  expect((await get(`/sessions/${past.id}/activity`, 'stranger')).status).toBe(404);
  expect(await owner.ask(query)).toMatchObject({ type: 'error', code: 'SESSION_NOT_FOUND' });
});

test('[AC5] GET /sessions/{id}/statistics counts by type', async () => {
  const { body } = await get(`/sessions/${session.id}/statistics`, 'olive');
  expect(JSON.stringify(body)).toMatch(/step/);
});

test('GET /sessions/{id}/presence needs a time', async () => {
  const path = `/sessions/${session.id}/presence`;
  expect((await get(path, 'olive')).status).toBe(400);
  const { body } = await get(`${path}?at=${Date.now()}`, 'olive');
  expect(body.stays.map((stay: { username: string }) => stay.username).sort()).toEqual([
    'Commenter',
    'Olive',
    'Viewer',
  ]);
});

test('GET /stats answers only users with the scope of administrators', async () => {
  expect((await get('/stats')).status).toBe(401);
  expect((await get('/stats', 'olive')).status).toBe(403);
  const { status, body } = await get('/stats', 'admin');
  expect(status).toBe(200);
  expect(body.cleanup).toMatchObject({ totalSessions: expect.any(Number), activeSessions: expect.any(Number) });
  expect(body.presence.activeSessions).toBeGreaterThanOrEqual(2);
});

test('GET /health answers everybody that all parts are up', async () => {
  const { status, body } = await get('/health');
  expect([status, body.status]).toEqual([200, 'ok']);
  expect(body.checks).toEqual({ redis: 'ok', database: 'ok', connections: 'ok' });
});

test('unknown paths and other methods are not found', async () => {
  expect((await get('/nothing', 'olive')).status).toBe(404);
  const headers = { authorization: `Bearer ${tokens['olive']}` };
  const deleted = await fetch(`${stack.http}/sessions/${session.id}`, { method: 'DELETE', headers });
  expect(deleted.status).toBe(404);
});
