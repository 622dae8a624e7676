import { randomUUID } from 'node:crypto';
import { type EventEmitter, once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { mockClient } from 'aws-sdk-client-mock';
import type { PoolConfig } from 'pg';
import { Database } from '../../lambdas/platform/database.ts';
import { databaseFailure } from '../../lambdas/platform/database-failure.ts';
import { readDatabaseSecret } from '../../lambdas/platform/database-secret.ts';
import { RollcallError } from '../../protocol/errors.ts';
import { createEmptyDatabase, type TestDatabase } from '../support/database.ts';
import { expectWithin, scaleLimit } from '../support/time-limits.ts';

let server: TestDatabase;
const opened: Database[] = [];

beforeAll(async () => {
  server = await createEmptyDatabase();
});
afterEach(() => Promise.all(opened.splice(0).map((database) => database.end())));
afterAll(() => server.drop());

function open(connectionString: string, timeoutMillis?: number): Database {
  const database = new Database({ connection: async () => ({ connectionString }), timeoutMillis });
  opened.push(database);
  return database;
}

/** The error of a promise that rejects, and the milliseconds until then. */
async function refusal(work: Promise<unknown>): Promise<{ error: RollcallError; millis: number }> {
  const start = performance.now();
  const error = await work.then(
    () => new Error('was not refused'),
    (reason: Error) => reason,
  );
  return { error: error as RollcallError, millis: performance.now() - start };
}

/** A server that accepts connections and never answers, like a frozen one. */
async function silentServer(): Promise<{ url: string; close(): Promise<void> }> {
  const sockets: Socket[] = [];
  const listener: Server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
  }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  return {
    url: `postgres://nobody:secret@127.0.0.1:${port}/nothing`,
    async close() {
      for (const socket of sockets) socket.destroy();
      listener.close();
      await once(listener, 'close');
    },
  };
}

describe('Database', () => {
  test('answers queries, with at most two connections for any number of callers', async () => {
    const database = open(server.url);
    const pids = await Promise.all(
      Array.from({ length: 20 }, () => database.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')),
    );
    expect(new Set(pids.map((result) => result.rows[0]!.pid)).size).toBeLessThanOrEqual(2);
  });

  test('[FA3] without a server, a query is UNAVAILABLE at once and its message contains nothing internal', async () => {
    const frozen = await silentServer();
    await frozen.close();
    const { error, millis } = await refusal(open(frozen.url).query('SELECT 1'));
    expect(error).toBeInstanceOf(RollcallError);
    expect(error).toMatchObject({ code: 'UNAVAILABLE', retryAfterMillis: 1000 });
    expect(error.message).not.toMatch(/127|postgres|ECONN|nobody|secret/);
    await expectWithin(millis, 900);
  });

  test('[FA3] a frozen server is UNAVAILABLE within a second', async () => {
    const frozen = await silentServer();
    try {
      const { error, millis } = await refusal(open(frozen.url).query('SELECT 1'));
      expect(error).toMatchObject({ code: 'UNAVAILABLE' });
      await expectWithin(millis, 1300);
    } finally {
      await frozen.close();
    }
  });

  test('[FA3] a query that hangs, and one that waits for a connection behind it, are UNAVAILABLE within the time limit', async () => {
    const database = open(server.url, 300);
    const answers = await Promise.all(Array.from({ length: 5 }, () => refusal(database.query('SELECT pg_sleep(5)'))));
    for (const { error, millis } of answers) {
      expect(error).toMatchObject({ code: 'UNAVAILABLE' });
      await expectWithin(millis, 800);
    }
    const { rows } = await database.query('SELECT 1 AS one');
    expect(rows).toEqual([{ one: 1 }]);
  });

  test('[FA3] if the server ended the connection, the query is UNAVAILABLE and the next one succeeds', async () => {
    const database = open(server.url);
    const { error } = await refusal(database.query('SELECT pg_terminate_backend(pg_backend_pid())'));
    expect(error).toMatchObject({ code: 'UNAVAILABLE' });
    expect((await database.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  });

  test('[FA3] if the connection of a transaction ends, only that transaction fails', async () => {
    const database = open(server.url);
    const { error } = await refusal(
      database.transaction(async (client) => {
        const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
        // Not `once` from `node:events`, which would also listen for errors.
        const ended = new Promise((resolve) => (client as unknown as EventEmitter).once('end', resolve));
        await database.query('SELECT pg_terminate_backend($1)', [rows[0]!.pid]);
        // Without a running query, only the event reports it.
        await ended;
        await client.query('SELECT 1');
      }),
    );
    expect(error).toMatchObject({ code: 'UNAVAILABLE' });
    expect((await database.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  });

  test('throws the error of a wrong statement as it is', async () => {
    const { error } = await refusal(open(server.url).query('SELECT nonsense'));
    expect(error).not.toBeInstanceOf(RollcallError);
    expect(error.code).toBe('42703');
  });

  test('a transaction commits everything or nothing, and releases its connection in both cases', async () => {
    const database = open(server.url);
    await database.query('CREATE TABLE kept (n int)');
    const boom = new Error('boom');
    for (let round = 0; round < 4; round += 1) {
      const failing = database.transaction(async (client) => {
        await client.query('INSERT INTO kept VALUES (1)');
        throw boom;
      });
      expect((await refusal(failing)).error).toBe(boom);
    }
    expect(
      await database.transaction(async (client) => (await client.query('INSERT INTO kept VALUES (2)')).rowCount),
    ).toBe(1);
    expect((await database.query('SELECT n FROM kept')).rows).toEqual([{ n: 2 }]);
  });

  test('a connection that arrives after the time limit goes back to the pool', async () => {
    let letIn = () => {};
    const door = new Promise<void>((resolve) => {
      letIn = resolve;
    });
    const database = new Database({
      timeoutMillis: scaleLimit(500),
      async connection() {
        await door;
        return { connectionString: server.url };
      },
    });
    opened.push(database);
    const late = await Promise.all(Array.from({ length: 3 }, () => refusal(database.connect())));
    expect(late.map(({ error }) => error.code)).toEqual(['UNAVAILABLE', 'UNAVAILABLE', 'UNAVAILABLE']);
    letIn();
    for (let count = 0; count < 3; count += 1) {
      expect((await database.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    }
  });

  test('a rotated password is read again, once for all callers that fail with the old one', async () => {
    const role = `rotating_${randomUUID().slice(0, 8)}`;
    await server.pool.query(`CREATE ROLE ${role} LOGIN PASSWORD 'first'`);
    try {
      const url = new URL(server.url);
      url.username = role;
      let password = 'stale';
      let reads = 0;
      const database = new Database({
        async connection() {
          reads += 1;
          url.password = password;
          password = 'first';
          return { connectionString: url.href };
        },
      });
      opened.push(database);
      const answers = await Promise.all([database.query('SELECT 1 AS one'), database.query('SELECT 1 AS one')]);
      expect(answers.map((answer) => answer.rows)).toEqual([[{ one: 1 }], [{ one: 1 }]]);
      expect(reads).toBe(2);
      await database.end();
      await server.pool.query(`ALTER ROLE ${role} PASSWORD 'second'`);
      expect((await refusal(database.query('SELECT 1'))).error).toMatchObject({ code: 'UNAVAILABLE' });
      expect(reads).toBe(4);
    } finally {
      await server.pool.query(`DROP ROLE ${role}`);
    }
  });

  test('while a caller holds a connection, a call with a refused password does not wait for it', async () => {
    const role = `rotating_${randomUUID().slice(0, 8)}`;
    await server.pool.query(`CREATE ROLE ${role} LOGIN PASSWORD 'first'`);
    try {
      const url = new URL(server.url);
      url.username = role;
      let password = 'first';
      const database = new Database({
        async connection() {
          url.password = password;
          return { connectionString: url.href };
        },
      });
      opened.push(database);
      const answer = await database.transaction(async (client) => {
        const { rows } = await client.query('SELECT pg_backend_pid() AS pid');
        password = 'second';
        await server.pool.query(`ALTER ROLE ${role} PASSWORD 'second'`);
        const other = await database.query('SELECT 1 AS one');
        // The connection that was open before the rotation goes on.
        const after = await client.query('SELECT pg_backend_pid() AS pid');
        return [other.rows[0], after.rows[0].pid === rows[0].pid];
      });
      expect(answer).toEqual([{ one: 1 }, true]);
    } finally {
      await server.pool.query(`DROP ROLE ${role}`);
    }
  });

  test('after a secret could not be read, the next call reads it again', async () => {
    let reads = 0;
    const database = new Database({
      async connection() {
        reads += 1;
        if (reads === 1) throw new Error('Secrets Manager is away');
        return { connectionString: server.url };
      },
    });
    opened.push(database);
    expect((await refusal(database.query('SELECT 1'))).error.message).toBe('Secrets Manager is away');
    expect((await database.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  });
});

describe('databaseFailure', () => {
  const failure = (properties: object) => databaseFailure(Object.assign(new Error('internal words'), properties));

  test.each(['08006', '57P01', '57014', '53300', '40P01', '40001', '25006', '28P01'])(
    '[FA3] SQLSTATE %s is UNAVAILABLE',
    (code) => {
      expect(failure({ code, severity: 'ERROR' })).toMatchObject({ code: 'UNAVAILABLE' });
    },
  );

  test.each(['23505', '22P02', '42P01', '23503'])(
    'SQLSTATE %s is a mistake in the program and thrown as it is',
    (code) => {
      expect(failure({ code, severity: 'ERROR' })).not.toBeInstanceOf(RollcallError);
    },
  );

  test('does not change refusals and other errors', () => {
    const refused = new RollcallError('SESSION_FULL', 'Full.');
    const bug = new TypeError('x is not a function');
    expect([databaseFailure(refused), databaseFailure(bug)]).toEqual([refused, bug]);
  });
});

describe('readDatabaseSecret', () => {
  const client = mockClient(SecretsManagerClient);
  const read = (refused?: PoolConfig) =>
    readDatabaseSecret('arn:of:the:secret', { refused, client: client as unknown as SecretsManagerClient });
  const secret = { host: 'db.internal', port: '5432', dbname: 'rollcall', username: 'app', password: 'pa:ss@/' };

  test('returns host, name and password, and requires a verified certificate', async () => {
    client.on(GetSecretValueCommand).resolves({ SecretString: JSON.stringify(secret) });
    expect(await read()).toMatchObject({
      ...{ host: 'db.internal', port: 5432, database: 'rollcall', user: 'app', password: 'pa:ss@/' },
      ssl: { rejectUnauthorized: true, ca: expect.arrayContaining([expect.stringContaining('BEGIN CERTIFICATE')]) },
    });
  });

  const version = (password: string) => ({ SecretString: JSON.stringify({ ...secret, password }) });

  test('a refused password is read once more: the new one, or the pending one of a rotation, or the same if there is none', async () => {
    client.on(GetSecretValueCommand).resolves(version('current'));
    client.on(GetSecretValueCommand, { VersionStage: 'AWSPENDING' }).resolves(version('pending'));
    expect(await read({ password: 'old' })).toMatchObject({ password: 'current' });
    expect(await read({ password: 'current' })).toMatchObject({ password: 'pending' });
    const none = Object.assign(new Error('none'), { name: 'ResourceNotFoundException' });
    client.on(GetSecretValueCommand, { VersionStage: 'AWSPENDING' }).rejects(none);
    expect(await read({ password: 'current' })).toMatchObject({ password: 'current' });
    client.on(GetSecretValueCommand, { VersionStage: 'AWSPENDING' }).rejects(new Error('away'));
    expect((await refusal(read({ password: 'current' }))).error.message).toBe('away');
    client.reset();
  });

  test.each([undefined, '', 'pa:ss@/', JSON.stringify({ ...secret, host: undefined })])(
    'refuses a secret of another form without repeating it: %j',
    async (SecretString) => {
      client.on(GetSecretValueCommand).resolves({ SecretString });
      const { error } = await refusal(read());
      expect(error.message).toContain('must be JSON with host, port, dbname, username and password');
      expect(error.message).not.toContain('pa:ss');
    },
  );
});
