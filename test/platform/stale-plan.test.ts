import type { QueryConfig } from 'pg';
import { Database } from '../../lambdas/platform/database.ts';
import { createEmptyDatabase, type TestDatabase } from '../support/database.ts';

let server: TestDatabase;
let database: Database;
beforeAll(async () => {
  server = await createEmptyDatabase();
  database = new Database({ connection: async () => ({ connectionString: server.url }) });
});
afterAll(async () => {
  await database.end();
  await server.drop();
});

const ways: [string, (query: QueryConfig) => Promise<unknown>][] = [
  ['query', (query) => database.query(query)],
  ['transaction', (query) => database.transaction((client) => client.query(query))],
];

test.each(ways)(
  '[FA3] after a migration of its table, a prepared %s is UNAVAILABLE once, and a retry succeeds',
  async (way, ask) => {
    const query = { name: `read-${way}`, text: `SELECT * FROM of_${way}` };
    await server.pool.query(`CREATE TABLE of_${way} (name text)`);
    await ask(query);
    await server.pool.query(`ALTER TABLE of_${way} ADD COLUMN colour text`);
    await expect(ask(query)).rejects.toMatchObject({ code: 'UNAVAILABLE', retryAfterMillis: 1000 });
    await expect(ask(query)).resolves.toMatchObject({ fields: [{ name: 'name' }, { name: 'colour' }] });
  },
);
