import type { Session } from '../../protocol/entities.ts';
import type { ServiceFigures } from '../../protocol/figures.ts';
import { type DevToken, TestClient, tokenOf } from '../support/client.ts';
import { readHttp } from '../support/http-api.ts';
import { type Arrived, startTestStack, type TestStack } from '../support/stack.ts';

let stack: TestStack;
let owner: Arrived;
let session: Session;
let admin: DevToken;
let watcher: TestClient;

async function get(path: string, token: string | undefined = admin.token) {
  const response = await readHttp(stack, path, token || undefined);
  return { status: response.status, body: await response.json() };
}

/** Waits for posted figures with what the test looks for. */
async function figuresWith(matches: (figures: ServiceFigures) => boolean): Promise<ServiceFigures> {
  return (await watcher.next('figures', ({ figures }) => matches(figures))).figures;
}

beforeAll(async () => {
  stack = await startTestStack();
  ({ owner, session } = await stack.host('olive', { isPublic: true, title: 'Stage plan' }));
  const guest = await stack.arrive('pat');
  await guest.expect('session_joined', { type: 'session_join', sessionId: session.id });
  admin = await tokenOf(stack, 'root', { admin: true });
  watcher = new TestClient(stack.websocket, admin.token);
  await watcher.opened();
});
afterAll(() => stack.close());

test('[OP1] only an operator can watch and read the figures of the service', async () => {
  expect(await owner.ask({ type: 'figures_watch' })).toMatchObject({ type: 'error', code: 'PERMISSION_DENIED' });
  const { token } = await tokenOf(stack, 'olive');
  for (const path of ['/service/figures', '/service/sessions', `/service/sessions/${session.id}`]) {
    expect((await get(path, '')).status).toBe(401);
    expect(await get(path, token)).toMatchObject({ status: 403, body: { code: 'PERMISSION_DENIED' } });
  }
});

test('[OP1] figures are posted to those who watch, and read for plots', async () => {
  expect(await watcher.ask({ type: 'figures_watch' })).toMatchObject({ type: 'figures', figures: { seconds: 10 } });
  const present = await figuresWith(({ activeUsers }) => activeUsers === 2);
  expect(present).toMatchObject({ activeSessions: 1, online: 2, away: 0, restraint: 1, errorRate: 0 });
  expect(present.averageLatency).toBeGreaterThan(0);
  expect(present.redisConnections).toBeGreaterThan(0);
  expect(present.sweeps).toBeGreaterThan(0);
  const { body } = await get('/service/figures');
  expect(body.items.length).toBeGreaterThan(0);
  const sum = (name: 'joins' | 'received') =>
    body.items.reduce((total: number, each: ServiceFigures) => total + each[name], 0);
  expect(sum('joins')).toBe(2);
  expect(sum('received')).toBeGreaterThan(0);
  // They are counted once a minute, so the figures of the last ten seconds may lack them.
  expect(body.items.findLast((each: ServiceFigures) => each.sessions !== null)).toMatchObject({
    outboxDepth: 0,
    sessions: { active: 1, expired: 0 },
    cleanup: { totalSessions: 1 },
  });
});

test('[OP2] the sessions with people are listed, and one of them is shown with who was there', async () => {
  const { body } = await get('/service/sessions?by=dollars&search=stage');
  expect(body.items).toMatchObject([
    { sessionId: session.id, name: session.sessionId, title: 'Stage plan', people: 2, online: 2 },
  ]);
  expect((await get('/service/sessions?search=nowhere')).body).toMatchObject({ items: [] });
  expect(await get('/service/sessions?before=x')).toMatchObject({ status: 400, body: { code: 'INVALID_MESSAGE' } });
  const one = await get(`/service/sessions/${session.sessionId}?at=${Date.now()}`);
  expect(one.body).toMatchObject({ session: { id: session.id }, live: { people: 2 }, stays: [{}, {}] });
  expect(one.body.participants).toHaveLength(2);
  expect(one.body.statistics.byType.user_joined).toBe(2);
  expect((await get('/service/sessions/SESSION-NONE')).status).toBe(404);
});

test.each(['from=0', 'from=2000&to=1000', 'from=x'])('a wrong period of figures is refused: %s', async (query) => {
  expect(await get(`/service/figures?${query}`)).toMatchObject({ status: 400, body: { code: 'INVALID_MESSAGE' } });
});

test('[OP1] a connection that ended receives no more figures and does not disturb the others', async () => {
  const ended = new TestClient(stack.websocket, admin.token);
  await ended.opened();
  await ended.ask({ type: 'figures_watch' });
  const watching = () => stack.redis.zcard('presence:watchers');
  expect(await watching()).toBe(2);
  await ended.close();
  await watcher.ask({ type: 'figures_watch' });
  // The next post finds out that the connection has ended.
  while ((await watching()) > 1) await figuresWith(() => true);
  const { at } = await figuresWith(() => true);
  expect((await figuresWith((figures) => figures.at > at)).activeUsers).toBe(2);
});
