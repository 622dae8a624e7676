import { startTestStack, type TestStack } from '../support/stack.ts';

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack.close());

test('the functions log in as their own user, and the tables belong to another one', async () => {
  const { owner, session } = await stack.host('olive');
  await owner.ask({ type: 'session_leave', sessionId: session.id });
  await stack.fireSchedule('CleanupSweep');
  const { rows } = await stack.database.query<{ usename: string }>(
    `SELECT DISTINCT usename FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'rollcall'`,
  );
  expect(rows).toEqual([{ usename: 'rollcall_functions' }]);
  const tables = await stack.database.query<{ name: string }>(
    `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' AND tableowner = 'rollcall_functions'`,
  );
  expect(tables.rows).toEqual([]);
});
