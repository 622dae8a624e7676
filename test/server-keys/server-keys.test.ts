import { createHash } from 'node:crypto';
import type { Queryable } from '../../lambdas/platform/database.ts';
import { Unavailable } from '../../lambdas/platform/unavailable.ts';
import { ServerKeys } from '../../lambdas/server-keys/server-keys.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let now = 1_800_000_000_000;
let queries: string[] = [];
let isAway = false;
let isReadOnly = false;
/** The database, with its statements counted, and away on request. */
const counted = {
  query: async (statement: { name: string; text: string }) => {
    if (isAway) throw new Unavailable('database');
    queries.push(statement.name);
    if (isReadOnly && statement.text.includes('UPDATE')) throw new Unavailable('database');
    return database.pool.query(statement);
  },
} as unknown as Queryable;
const environment = () => new ServerKeys(counted, () => now);
const terms = { name: 'Importer', scopes: ['broadcast', 'remove'] };

beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());
beforeEach(() => {
  now += 3_600_000;
  queries = [];
  isAway = false;
  isReadOnly = false;
});

const refusal = (message: RegExp) => ({ code: 'UNAUTHENTICATED', message: expect.stringMatching(message) });

test('[SA1] a key is shown once, and only a hash of its secret is stored', async () => {
  const keys = environment();
  const { secret, key } = await keys.create(terms, null);
  expect(secret).toMatch(/^rk_[0-9a-f]{16}_[\w-]{43}$/);
  expect(secret.split('_')[1]).toBe(key.id);
  const random = secret.slice(`rk_${key.id}_`.length);
  expect(Buffer.from(random, 'base64url')).toHaveLength(32);
  const { rows } = await database.pool.query('SELECT *, to_jsonb(k) AS whole FROM server_keys k WHERE id = $1', [
    key.id,
  ]);
  expect(rows[0].secret_hash).toEqual(createHash('sha256').update(random).digest());
  expect(JSON.stringify([rows[0].whole, key, await keys.list()])).not.toContain(random);
  expect(key).toMatchObject({
    name: 'Importer',
    scopes: terms.scopes,
    sessions: ['*'],
    expiresAt: null,
    revokedAt: null,
  });
});

test('[SA1] whoever lacks the secret is refused in the same way, whether the key exists or not', async () => {
  const keys = environment();
  const { secret, key } = await keys.create(terms, null);
  const other = (await keys.create(terms, null)).secret;
  await keys.revoke(other.split('_')[1]!, null);
  const wrong = `rk_${key.id}_${'A'.repeat(43)}`;
  const texts = [
    wrong,
    `rk_${'0'.repeat(16)}_${'A'.repeat(43)}`,
    `rk_${other.split('_')[1]}_${'A'.repeat(43)}`,
    'rk_',
    '',
    `${secret}x`,
  ];
  const refusals = await Promise.all(texts.map((text) => keys.verify(text).catch((error: Error) => error.message)));
  expect(new Set(refusals).size).toBe(1);
  expect(refusals[0]).toMatch(/not valid/);
  await expect(keys.verify(undefined)).rejects.toMatchObject(refusal(/needs a key/));
  expect((await keys.verify(secret)).id).toBe(key.id);
});

test('a text that cannot be a key needs no query, and a key needs one in half a minute', async () => {
  const keys = environment();
  const { secret } = await keys.create(terms, null);
  queries = [];
  await expect(keys.verify('rk_x')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  expect(queries).toEqual([]);
  for (let use = 0; use < 5; use += 1) await keys.verify(secret);
  expect(queries).toEqual(['server-key', 'server-key-use']);
  now += 30_000;
  await keys.verify(secret);
  expect(queries).toEqual(['server-key', 'server-key-use', 'server-key']);
});

test('[SA2] a revoked key is refused everywhere within half a minute, for ever', async () => {
  const [here, elsewhere] = [environment(), environment()];
  const { secret, key } = await here.create(terms, null);
  await Promise.all([here.verify(secret), elsewhere.verify(secret)]);
  const revoked = await here.revoke(key.id, null);
  expect(revoked).toMatchObject({ id: key.id, revokedAt: now });
  await expect(here.verify(secret)).rejects.toMatchObject(refusal(/revoked/));
  now += 29_999;
  await elsewhere.verify(secret);
  now += 1;
  await expect(elsewhere.verify(secret)).rejects.toMatchObject(refusal(/revoked/));
  expect(await here.revoke(key.id, null)).toEqual({ ...revoked });
  expect(await here.revoke('0'.repeat(16), null)).toBeUndefined();
});

test('[SA2] a key is refused from the moment at which it expires, also if it was read before', async () => {
  const keys = environment();
  const { secret, key } = await keys.create({ ...terms, expiresInSeconds: 10 }, null);
  expect(key.expiresAt).toBe(now + 10_000);
  now += 9_999;
  await keys.verify(secret);
  now += 1;
  await expect(keys.verify(secret)).rejects.toMatchObject(refusal(/expired/));
});

test('[SA2] while PostgreSQL is away, a key that was valid is accepted for five minutes, and no other', async () => {
  const keys = environment();
  const [used, unused] = [await keys.create(terms, null), await keys.create(terms, null)];
  const wrong = `rk_${used.key.id}_${'A'.repeat(43)}`;
  await keys.verify(used.secret);
  isAway = true;
  now += 299_999;
  await keys.verify(used.secret);
  await expect(keys.verify(wrong)).rejects.toMatchObject(refusal(/not valid/));
  await expect(keys.verify(unused.secret)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  now += 1;
  await expect(keys.verify(used.secret)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
});

test('[SA2] a clock that is set back makes no revoked key valid', async () => {
  const [here, elsewhere] = [environment(), environment()];
  const { secret, key } = await here.create(terms, null);
  await elsewhere.verify(secret);
  await here.revoke(key.id, null);
  now -= 600_000;
  await expect(elsewhere.verify(secret)).rejects.toMatchObject(refusal(/revoked/));
  const other = await here.create(terms, null);
  await elsewhere.verify(other.secret);
  isAway = true;
  now -= 1;
  await expect(elsewhere.verify(other.secret)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
});

test('[SA2] a key is accepted also if the time of its use cannot be noted', async () => {
  const keys = environment();
  const { secret, key } = await keys.create(terms, null);
  isReadOnly = true;
  expect(await keys.verify(secret)).toMatchObject({ id: key.id });
  expect(queries).toContain('server-key-use');
  await expect(keys.revoke(key.id, null)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
});

test('the time of the last use is exact to a minute', async () => {
  const { secret, key } = await environment().create(terms, null);
  const lastUse = async () => (await environment().list()).find(({ id }) => id === key.id)?.lastUsedAt;
  expect(await lastUse()).toBeNull();
  await expect(environment().verify(`rk_${key.id}_${'A'.repeat(43)}`)).rejects.toThrow();
  expect(await lastUse()).toBeNull();
  const first = now;
  await environment().verify(secret);
  now += 59_999;
  await environment().verify(secret);
  expect(await lastUse()).toBe(first);
  now += 2;
  await environment().verify(secret);
  expect(await lastUse()).toBe(now);
});

test.each([
  [{ ...terms, name: ' \u200b ' }, /name/],
  [{ ...terms, scopes: [] }, /scope/],
  [{ ...terms, scopes: ['broadcast', 'all'] }, /no scope "all"/],
  [{ ...terms, sessions: [] }, /keys of sessions/],
  [{ ...terms, sessions: ['x'.repeat(256)] }, /keys of sessions/],
  [{ ...terms, sessions: ['\u0000'] }, /keys of sessions/],
  [{ ...terms, expiresInSeconds: 0 }, /expires/],
  [{ ...terms, expiresInSeconds: 0.5 }, /expires/],
  [{ ...terms, expiresInSeconds: Number.NaN }, /expires/],
])('terms that are not allowed are refused: %j', async (given, message) => {
  await expect(environment().create(given, null)).rejects.toMatchObject({
    ...{ code: 'INVALID_MESSAGE', message: expect.stringMatching(message) },
  });
});
