import WebSocket from 'ws';
import { tokenOf } from '../support/client.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';

let stack: TestStack;

beforeAll(async () => {
  stack = await startTestStack({
    MAX_CONNECTIONS_PER_USER: '3',
    MAX_CONNECTIONS_PER_INVITE: '2',
    SESSION_POSTS_PER_SECOND: '2',
    ALLOWED_ORIGINS: 'https://app.example',
  });
});
afterAll(() => stack.close());

/** Opens a socket. @returns the HTTP status of the handshake, 101 if it succeeds. */
async function handshake(query: Record<string, string>, headers: Record<string, string> = {}) {
  const socket = new WebSocket(`${stack.websocket}?${new URLSearchParams(query)}`, { headers });
  socket.on('error', () => {});
  const status = await new Promise<number>((resolve) => {
    socket.once('open', () => resolve(101));
    socket.once('unexpected-response', (_, response) => resolve(response.statusCode ?? 0));
  });
  return { status, socket };
}

const newToken = async (user: string) => (await tokenOf(stack, user)).token;

test('[CO1] of six handshakes of one user at the same time three succeed, and another one when one of these has ended', async () => {
  const token = await newToken('ada');
  const all = await Promise.all(Array.from({ length: 6 }, () => handshake({ token })));
  expect(all.map(({ status }) => status).sort()).toEqual([101, 101, 101, 429, 429, 429]);
  expect((await handshake({ token: await newToken('bob') })).status).toBe(101);
  const ended = all.find(({ status }) => status === 101)!.socket;
  ended.close();
  // The place is free when the service has handled the end of the connection.
  let again = await handshake({ token });
  while (again.status === 429) again = await handshake({ token });
  expect(again.status).toBe(101);
  expect(stack.lines.some((line) => line.includes('too many connections'))).toBe(true);
});

test('[CO1] the guests of one invite have a cap of their own', async () => {
  const { owner, session } = await stack.host('olive');
  const invited = { type: 'invite_create', sessionId: session.id, role: 'viewer' } as const;
  const [one, other] = [await owner.expect('invite_created', invited), await owner.expect('invite_created', invited)];
  const guests = await Promise.all(['a', 'b', 'c'].map((name) => handshake({ invite: one.invite, name })));
  expect(guests.map(({ status }) => status).sort()).toEqual([101, 101, 429]);
  expect((await handshake({ invite: other.invite, name: 'd' })).status).toBe(101);
});

test('[SE14] a page of another origin is refused', async () => {
  const token = await newToken('carol');
  expect((await handshake({ token }, { origin: 'https://evil.example' })).status).toBe(403);
  expect((await handshake({ token }, { origin: 'https://app.example' })).status).toBe(101);
});

test('[CO4] a session over its limit of posts refuses broadcasts, and joins and activity go on', async () => {
  const { owner, session } = await stack.host('dora');
  const fay = await stack.arrive('fay');
  const { invite } = await owner.expect('invite_created', {
    type: 'invite_create',
    sessionId: session.id,
    role: 'viewer',
  });
  await fay.expect('session_joined', { type: 'session_join', sessionId: session.id, invite });
  const refusals: string[] = [];
  for (let event = 0; event < 12; event += 1) {
    const answer = await owner.ask({ type: 'broadcast', sessionId: session.id, event: `e${event}` });
    if (answer.type === 'error') refusals.push(answer.code);
  }
  expect(refusals.length).toBeGreaterThan(0);
  expect(new Set(refusals)).toEqual(new Set(['RATE_LIMITED']));
  await owner.expect('activity_logged', { type: 'activity_log', sessionId: session.id, activityType: 'noted' });
  const gus = await stack.arrive('gus');
  const second = await owner.expect('invite_created', { type: 'invite_create', sessionId: session.id, role: 'viewer' });
  await gus.expect('session_joined', { type: 'session_join', sessionId: session.id, invite: second.invite });
  expect(await stack.audit(session.id, 'user_joined')).toHaveLength(3);
});
