import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { calculateJwkThumbprint, importJWK, type JWK, SignJWT } from 'jose';
import { localAudience, localIssuer } from '../../local/identity/identity-provider.ts';
import { TestClient } from '../support/client.ts';
import { readHttp } from '../support/http-api.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';

let stack: TestStack;
let key: CryptoKey | Uint8Array;
let kid: string;

beforeAll(async () => {
  stack = await startTestStack();
  const jwk = JSON.parse(await readFile(join(stack.dataDirectory, 'identity.json'), 'utf8')) as JWK;
  [key, kid] = await Promise.all([importJWK(jwk, 'RS256'), calculateJwkThumbprint(jwk)]);
});
afterAll(() => stack.close());

/** A token of the stack's own identity provider with any claims. */
const sign = (claims: Record<string, unknown>) =>
  new SignJWT(claims)
    .setProtectedHeader({ alg: 'RS256', kid })
    .setIssuer(localIssuer)
    .setAudience(localAudience)
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(key);

async function overHttp(token: string) {
  return (await readHttp(stack, '/sessions', token)).status;
}

/** The status of a handshake and, if it succeeds, the identity of the user in a session. */
async function overSocket(token: string) {
  const client = await TestClient.open(stack.websocket, token).catch((error: Error) => error);
  if (client instanceof Error) return { status: Number(/\d{3}/.exec(client.message)?.[0]) };
  const welcome = await client.expect('welcome', { type: 'hello' });
  const created = await client.expect('session_created', { type: 'session_create', operationId: 'op' });
  await client.close();
  return { status: 200, userId: welcome.userId, username: created.users[0]?.username, session: created.session };
}

test.each<[what: string, sub: unknown]>([
  ['U+0000', 'a\u0000b'],
  ['half a surrogate pair', 'a\ud83d'],
  ['256 characters', 'x'.repeat(256)],
  ['no character', ''],
  ['a number', 5],
  ['a number too large for JSON', 1e21],
  ['a truth', true],
  ['a list', ['alice']],
  ['an object', { id: 'alice' }],
  ['null', null],
  ['nothing', undefined],
])('a subject of %s is refused by the WebSocket API and by the HTTP API', async (_, sub) => {
  const token = await sign({ name: 'Ann', ...(sub === undefined ? {} : { sub }) });
  expect([await overSocket(token), await overHttp(token)]).toEqual([{ status: 403 }, 401]);
});

test.each<[what: string, sub: string, name: string | undefined, shown: string]>([
  ['a space', ' ', undefined, 'Unnamed'],
  ['U+200B only', '\u200b', '\u200b\u2060', 'Unnamed'],
  ['255 characters', 'x'.repeat(255), undefined, 'x'.repeat(200)],
  ['emoji up to the limit', '😀'.repeat(127), undefined, '😀'.repeat(100)],
  ['a control', 'a\u0007b', 'Ann\u0007', 'Ann'],
  ['a name that turns the text around it', 'rtl', '\u202eAnn\u202c', 'Ann'],
  ['a name with half a pair', 'half', 'Ann\ud83d', 'Ann'],
  ['digits', '5', undefined, '5'],
  ['__proto__', '__proto__', '__proto__', '__proto__'],
])('a subject of %s is served by the WebSocket API and by the HTTP API', async (_, sub, name, shown) => {
  const token = await sign({ sub, ...(name === undefined ? {} : { name }) });
  expect(await overSocket(token)).toMatchObject({ status: 200, username: shown });
  expect(await overHttp(token)).toBe(200);
});

test('a subject that is a GUID of any version is the user id, also in participant_role and ?userId=', async () => {
  const guid = '91165781-785F-44BD-5117-08D8BB99840C';
  const client = new TestClient(stack.websocket, await sign({ sub: guid, name: 'Gwen' }));
  await client.opened();
  expect(await client.expect('welcome', { type: 'hello' })).toMatchObject({ userId: guid.toLowerCase() });
  const { owner, session } = await stack.host('omar');
  await client.expect('session_joined', { type: 'session_join', sessionId: session.id });
  const change = { type: 'participant_role', sessionId: session.id, userId: guid, role: 'commenter' };
  await owner.expect('ack', change);
  expect((await client.next('participant_updated')).participant).toMatchObject({
    userId: guid.toLowerCase(),
    role: 'commenter',
  });
  const log = { type: 'activity_log', sessionId: session.id, activityType: 'noted' };
  await client.expect('activity_logged', log);
  const query = { type: 'activity_query', sessionId: session.id, userId: guid, activityType: 'noted' };
  expect((await owner.expect('activity_page', query)).items).toHaveLength(1);
});

test('an activity from an old tab of a user with a new name has the new name', async () => {
  const { owner, session } = await stack.host('olga');
  const tab = async (name: string) => {
    const client = new TestClient(stack.websocket, await sign({ sub: 'renamed', name }));
    await client.opened();
    await client.expect('session_joined', { type: 'session_join', sessionId: session.id });
    return client;
  };
  const old = await tab('Before');
  const { userId } = await (await tab('After')).expect('welcome', { type: 'hello' });
  await owner.expect('ack', { type: 'participant_role', sessionId: session.id, userId, role: 'commenter' });
  await old.expect('activity_logged', { type: 'activity_log', sessionId: session.id, activityType: 'noted' });
  expect((await owner.next('activity')).activity).toMatchObject({ activityType: 'noted', username: 'After' });
});

test('a machine has a visible name', async () => {
  const owner = await stack.arrive('mia');
  const register = (name: string) => owner.ask({ type: 'machine_register', machineId: 'm1', name });
  expect(await register('\u202eRobot\u200b')).toMatchObject({ type: 'machine_registered', machine: { name: 'Robot' } });
  expect(await register('\u200b\u202e')).toMatchObject({ type: 'error', code: 'INVALID_MESSAGE' });
});
