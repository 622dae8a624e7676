import { randomUUID } from 'node:crypto';
import { EndpointStore, mostEndpoints } from '../../lambdas/webhooks/endpoint-store.ts';
import { SecretBox } from '../../lambdas/webhooks/secret-box.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

const minute = 60_000;
let database: TestDatabase;
let endpoints: EndpointStore;

beforeAll(async () => {
  database = await createDatabase();
  endpoints = new EndpointStore(database.pool, new SecretBox(async () => 'key'), Date.now);
});
afterEach(() => database.pool.query('TRUNCATE webhook_endpoints'));
afterAll(() => database.drop());

test('[WH7] only the answers to adding and rotating contain a secret', async () => {
  const { endpoint, secret } = (await endpoints.add({
    url: 'https://a.example/',
    description: 'a',
    events: ['user.left'],
  }))!;
  const rotated = (await endpoints.rotate(endpoint.id, minute))!;
  expect(rotated.secret).not.toBe(secret);
  expect(rotated.endpoint.previousSecretUntil).toBeGreaterThan(Date.now());
  const shown = JSON.stringify([await endpoints.list(), endpoint, rotated.endpoint]);
  const { rows } = await database.pool.query('SELECT * FROM webhook_endpoints');
  const stored = `${JSON.stringify(rows)}${rows[0].secret.toString('latin1')}`;
  for (const each of [secret, rotated.secret]) {
    expect(shown).not.toContain(each.slice(6));
    expect(stored).not.toContain(each.slice(6));
  }
});

test('an unknown endpoint is told apart, and there are at most fifty', async () => {
  expect(await endpoints.find(randomUUID())).toBeUndefined();
  expect(await endpoints.change(randomUUID(), { enabled: true })).toBeUndefined();
  expect(await endpoints.rotate(randomUUID(), 0)).toBeUndefined();
  expect(await endpoints.remove(randomUUID())).toBe(false);
  for (let index = 0; index < mostEndpoints; index += 1)
    await endpoints.add({ url: 'https://a.example/', description: '', events: ['user.left'] });
  expect(await endpoints.add({ url: 'https://b.example/', description: '', events: ['user.left'] })).toBeUndefined();
});

test('there are at most fifty endpoints also if many are added at the same time', async () => {
  const add = () => endpoints.add({ url: 'https://a.example/', description: '', events: ['user.left'] });
  for (let index = 0; index < mostEndpoints - 2; index += 1) await add();
  const added = await Promise.all(Array.from({ length: 10 }, add));
  expect(added.filter((each) => each !== undefined)).toHaveLength(2);
  expect(await endpoints.list()).toHaveLength(mostEndpoints);
});
