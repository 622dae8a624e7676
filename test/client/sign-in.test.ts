import type { Client, Session } from '../../client/index.ts';
import { createTestRollcall, type TestClientOptions, type TestRollcall } from '../../client/testing/index.ts';
import { colourOf } from '../../client/ui/index.ts';

let rollcall: TestRollcall;
let hers: Session;
let invite: string;

beforeEach(async () => {
  rollcall = createTestRollcall();
  hers = await rollcall.client('ada').create({ operationId: 'op-1' });
  ({ invite } = await hers.createInvite({ role: 'commenter' }));
});
afterEach(() => rollcall.close());

/** The storage of a browser. */
function storage() {
  const values = new Map<string, string>();
  return {
    getItem: (key: string) => values.get(key) ?? null,
    setItem: (key: string, value: string) => void values.set(key, value),
  };
}

async function joined(client: Client): Promise<Session> {
  const session = client.join(hers.id);
  await rollcall.settle();
  await session.ready;
  return session;
}

const signedOut = { token: () => null };
const guest = (options: TestClientOptions = {}) =>
  rollcall.client('', { invite, guestName: 'Gwen', ...signedOut, ...options });
const user = (name: string, options: TestClientOptions = {}) =>
  rollcall.client('', { invite, token: () => rollcall.token(name), ...options });

test('[SE15] after a sign-in page the same browser is the same person, with the same colour', async () => {
  const browser = storage();
  const before = guest({ storage: browser });
  const { self } = await joined(before);
  const colour = colourOf(self!);
  // The page is left, and comes back with a token.
  await rollcall.breakSockets(before);
  const session = await joined(user('gwen', { storage: browser }));
  expect(session.self).toMatchObject({ userId: 'gwen', guestId: self!.userId });
  expect(hers.others.map((one) => one.userId)).toEqual(['gwen']);
  expect(colourOf(hers.others[0]!)).toBe(colour);
});

test('[SE15] the next person at the same browser is another guest and another user', async () => {
  const browser = storage();
  await joined(guest({ storage: browser }));
  await joined(user('gwen', { storage: browser }));
  const next = await joined(guest({ storage: browser }));
  expect(next.self!.userId).not.toBe(hers.others.find((one) => one.guestId)!.guestId);
  const other = await joined(user('hugo', { storage: browser }));
  expect(other.self!.guestId).toBe(next.self!.userId);
});

test('[SE15] a user who was not the guest of this browser joins without the proof', async () => {
  const browser = storage();
  const { self } = await joined(guest({ storage: browser }));
  // Another client of the same browser became the user already, and its tab did not store another secret.
  const kept = { getItem: browser.getItem, setItem() {} };
  await joined(user('gwen', { storage: kept }));
  const { invite: own } = await hers.createInvite({ role: 'viewer' });
  const hugo = user('hugo', { storage: kept }).join(hers.id, { invite: own });
  await rollcall.settle();
  await hugo.ready;
  expect(hugo.self!.guestId).toBeUndefined();
  expect(hers.others.find((one) => one.userId === 'gwen')!.guestId).toBe(self!.userId);
});

test('[SE15] a guest in another tab is told that they signed in', async () => {
  const browser = storage();
  const tab = await joined(guest({ storage: browser }));
  const reasons: string[] = [];
  tab.on('removed', ({ reason }) => reasons.push(reason));
  await joined(user('gwen', { storage: browser }));
  expect(reasons).toEqual(['signed_in']);
  expect(tab.state).toBe('left');
});

test('a client that signed in never becomes a guest again', async () => {
  let token: string | null = rollcall.token('gwen');
  const client = rollcall.client('', { invite, token: () => token });
  const session = client.join(hers.id, { invite });
  await rollcall.settle();
  await session.ready;
  const errors: string[] = [];
  client.on('error', ({ code }) => errors.push(code));
  token = null;
  rollcall.expireToken(client);
  await rollcall.advance(2 * 3_600_000);
  expect(session.state).not.toBe('joined');
  expect(errors).toContain('UNAUTHENTICATED');
  expect(hers.others.filter((one) => one.userId !== 'gwen')).toEqual([]);
});
