import type { Session } from '../../protocol/entities.ts';
import { tokenOf } from '../support/client.ts';
import { readHttp } from '../support/http-api.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';

const paths = ['usage', 'people', 'leaves', 'activities', 'lengths', 'sessions'].map((name) => `/analytics/${name}`);
let stack: TestStack;
let session: Session;
const tokens: Record<string, string> = {};

async function get(path: string, user?: string) {
  const response = await readHttp(stack, path, user && tokens[user]);
  const bytes = Buffer.from(await response.arrayBuffer());
  const text = bytes.toString();
  const isJson = response.headers.get('content-type')?.startsWith('application/json');
  return {
    status: response.status,
    headers: response.headers,
    text,
    bytes,
    body: isJson ? JSON.parse(text) : undefined,
  };
}

/** The first lines of a report as CSV, without what depends on the time. */
const csv = async (path: string) => (await get(path, 'admin')).text.split('\r\n').filter(Boolean);

beforeAll(async () => {
  stack = await startTestStack();
  const { owner, session: created } = await stack.host('olive', { isPublic: true });
  session = created;
  const guest = await stack.arrive('pat');
  await guest.expect('session_joined', { type: 'session_join', sessionId: session.id });
  const logged = { type: 'activity_log', sessionId: session.id, activityType: '=zoom', details: {} };
  for (let n = 0; n < 3; n += 1) await owner.expect('activity_logged', logged);
  await guest.expect('session_left', { type: 'session_leave', sessionId: session.id });
  await stack.host('rita');
  await stack.fireSchedule('CleanupSweep');
  tokens['olive'] = (await tokenOf(stack, 'olive')).token;
  tokens['admin'] = (await tokenOf(stack, 'root', { admin: true })).token;
});
afterAll(() => stack.close());

test.each(paths)('[AN2] GET %s needs the scope of an operator', async (path) => {
  expect((await get(path)).status).toBe(401);
  expect(await get(path, 'olive')).toMatchObject({
    status: 403,
    body: { code: 'PERMISSION_DENIED', retryable: false },
  });
  expect(await get(path, 'admin')).toMatchObject({ status: 200, body: { items: expect.any(Array) } });
});

test('[AN2] a sweep counts what happened, and the reports say it', async () => {
  const last = async (path: string) => (await get(path, 'admin')).body.items.at(-1);
  expect(await last('/analytics/usage')).toMatchObject({
    joins: 3,
    leaves: 1,
    peakPeople: 2,
    sessionsCreated: 2,
    sessionsEnded: 0,
  });
  expect(await last('/analytics/usage?step=hour')).toMatchObject({ joins: 3, peakPeople: 2 });
  expect(await last('/analytics/people')).toMatchObject({ people: 3, returning: 0, firstTime: 3 });
  expect(await last('/analytics/leaves')).toMatchObject({ cause: 'left', count: 1 });
  const { body } = await get('/analytics/activities', 'admin');
  expect(body.items.slice(0, 2)).toEqual([
    { activityType: '=zoom', count: 3 },
    { activityType: 'user_joined', count: 3 },
  ]);
  expect(Date.now() - body.countedUntil).toBeLessThan(10 * 60_000);
});

test('[AN2] the busiest sessions are read page by page, and the next page has the same period', async () => {
  const first = await get('/analytics/sessions?limit=1', 'admin');
  expect(first.body.items).toEqual([
    { day: expect.any(String), sessionId: session.id, name: session.sessionId, key: null, entries: 7, joins: 2 },
  ]);
  const link = /^<(.+)>; rel="next"$/.exec(first.headers.get('link')!)![1]!;
  const second = await get(link, 'admin');
  expect(second.body).toMatchObject({ from: first.body.from, to: first.body.to, items: [{ entries: 2, joins: 1 }] });
  expect(second.body.next).toBeUndefined();
  expect(await get(link.replace('limit=1', 'by=joins'), 'admin')).toMatchObject({
    status: 400,
    body: { code: 'INVALID_MESSAGE' },
  });
});

test('[AN2] CSV has the columns of each report, times that people can read, and no formulas', async () => {
  expect((await csv('/analytics/usage?format=csv')).at(-1)).toMatch(
    /^"\d{4}-\d\d-\d\dT00:00:00.000Z","\d+","3","1","2","2","0","0"$/,
  );
  expect(await csv('/analytics/activities?format=csv')).toEqual(
    expect.arrayContaining(['"activityType","count"', `"'=zoom","3"`]),
  );
  expect((await csv('/analytics/lengths?format=csv')).slice(0, 2)).toEqual([
    '"of","fromSeconds","toSeconds","count"',
    '"stay","0","60","1"',
  ]);
  const pages = await get('/analytics/sessions?format=csv&limit=1', 'admin');
  expect(pages.text).toMatch(/^"day","sessionId","name","key","entries","joins"\r\n/);
  const next = await csv(`/analytics/sessions?format=csv&limit=1&from=0&before=${pages.headers.get('x-next')}`);
  expect(next[0]).toContain('INVALID_MESSAGE');
  const marked = await get('/analytics/people?format=csv&bom=1', 'admin');
  expect([...marked.bytes.subarray(0, 4)]).toEqual([0xef, 0xbb, 0xbf, '"'.charCodeAt(0)]);
});

test.each([
  ['from=x', 'The query parameter "from"'],
  ['step=minute', 'The query parameter "step"'],
  ['from=2000&to=1000', 'The period must end after it begins.'],
  ['from=0&step=hour', 'A period has at most 2208 hours; ask for a shorter one.'],
])('a wrong query is refused with the reason: %s', async (query, reason) => {
  const { status, body } = await get(`/analytics/usage?${query}`, 'admin');
  expect([status, body.code]).toEqual([400, 'INVALID_MESSAGE']);
  expect(body.message).toContain(reason);
});
