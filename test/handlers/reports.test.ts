import { randomUUID } from 'node:crypto';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { createDatabase } from '../support/database.ts';

type Http = typeof import('../../lambdas/handlers/http.ts');

let database: Awaited<ReturnType<typeof createDatabase>>;
let handler: Http['handler'];
let runtime: typeof import('../../lambdas/platform/database.ts') &
  typeof import('../../lambdas/composition/sessions.ts');

beforeAll(async () => {
  database = await createDatabase();
  Object.assign(process.env, { DATABASE_URL: database.url, LOG_LEVEL: 'SILENT', INVITE_SECRET_ARN: 'unused' });
  ({ handler } = await import('../../lambdas/handlers/http.ts'));
  runtime = {
    ...(await import('../../lambdas/platform/database.ts')),
    ...(await import('../../lambdas/composition/sessions.ts')),
  };
});
afterAll(async () => {
  await runtime.database().end();
  await runtime.sweepDatabase().end();
  await database.drop();
});

const userId = randomUUID();

function get(path: string, id: string, query: Record<string, string> = {}) {
  const token = ['{}', JSON.stringify({ sub: userId, exp: Math.floor(Date.now() / 1000) + 300 }), ''].map((part) =>
    Buffer.from(part).toString('base64url'),
  );
  const headers = { authorization: `Bearer ${token.join('.')}` };
  const requestContext = { authorizer: { jwt: { claims: { sub: userId, iss: 'https://issuer.example', scope: '' } } } };
  const event = { routeKey: `GET /sessions/{id}/${path}`, pathParameters: { id }, queryStringParameters: query };
  return handler({ ...event, headers, requestContext } as unknown as APIGatewayProxyEventV2 &
    Parameters<Http['handler']>[0]);
}

test.each([
  ['statistics', {}],
  ['presence', { at: '1' }],
])('[AC5] the %s of a session may take longer than one page of its activity', async (path, query) => {
  const { id } = await runtime.sessions().createSession(userId, 'op', {}, { username: 'Olive' });
  const holder = await database.pool.connect();
  await holder.query('BEGIN; LOCK TABLE activity_log IN ACCESS EXCLUSIVE MODE');
  const report = get(path, id, query);
  const page = await get('activity', id);
  await holder.query('COMMIT');
  holder.release();
  expect([page.statusCode, (await report).statusCode]).toEqual([503, 200]);
});
