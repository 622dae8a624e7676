import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { Client, type PoolConfig } from 'pg';
import { databaseConnection } from './database.ts';
import { isAuthenticationFailure } from './database-failure.ts';
import { readDatabaseSecret } from './database-secret.ts';
import { environmentNames } from './environment.ts';

/** The role with the rights of the service; the migrations create it. */
export const serviceRole = 'rollcall_service';

/**
 * How the functions of the service connect; undefined if they connect as the owner.
 *
 * @param refused a connection with a password from their secret that the server refused.
 */
export async function serviceConnection(refused?: PoolConfig): Promise<PoolConfig | undefined> {
  const secret = process.env[environmentNames.serviceSecretArn];
  return secret ? readDatabaseSecret(secret, { refused }) : undefined;
}

/** Runs work with the login of the owner. If the server refuses its password, which a rotation changes, the secret is read again. */
export async function asOwner<T>(work: (owner: PoolConfig) => Promise<T>): Promise<T> {
  const owner = await databaseConnection();
  try {
    return await work(owner);
  } catch (error) {
    if (!isAuthenticationFailure(error)) throw error;
    return work(await databaseConnection(owner));
  }
}

/** Stacks with databases on one server share the user, and may create it at the same time. */
const attempts = 5;
const createdMeanwhile = ['42710', '23505', 'XX000'];

/**
 * Lets the functions of the service log in: a user with only the rights of {@link serviceRole}, and the password of their secret. If
 * that user can log in already, nothing changes. That includes the pending password of a rotation that is under way.
 *
 * @param owner how the migrations connect.
 * @param read how the functions connect ({@link serviceConnection}). Their user must not be the owner. If it returns undefined, the
 *   functions connect as the owner, and nothing is done.
 * @throws Error with one next step if the owner may not create users.
 */
export async function admitService(owner: PoolConfig, read: typeof serviceConnection): Promise<void> {
  const service = await read();
  if (!service || (await canLogIn(service))) return;
  if (service.user === owner.user) {
    throw new Error('The secret of the service names the owner of the database; give it a user of its own.');
  }
  const now = (await read(service)) ?? service;
  for (let attempt = 1; !(await canLogIn(now)); attempt += 1) {
    try {
      await withClient(owner, (client) => setLogin(client, String(service.user), String(service.password)));
      return;
    } catch (error) {
      const { code = '' } = error as { code?: string };
      if (code === '42501') throw new Error(mayNot, { cause: error });
      if (attempt === attempts || !createdMeanwhile.includes(code)) throw error;
    }
  }
}

const mayNot =
  `The owner of the database may not create users, or not admit them to ${serviceRole}; ` +
  'give it CREATEROLE, and that role WITH ADMIN OPTION.';

async function setLogin(client: Client, user: string, password: string): Promise<void> {
  const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [user]);
  const { rows } = await client.query<{ login: string; membership: string }>(
    `SELECT format($1, $2::text, $3::text) AS login, format('GRANT %I TO %I', $4::text, $2::text) AS membership`,
    [
      rowCount ? 'ALTER ROLE %I LOGIN PASSWORD %L' : 'CREATE ROLE %I LOGIN PASSWORD %L',
      ...[user, scramVerifier(password), serviceRole],
    ],
  );
  // Both or none: another stack that waits for the user finds it with its rights.
  await client.query(`BEGIN; ${rows[0]!.login}; ${rows[0]!.membership}; COMMIT`);
}

/** Whether the user exists with this password and has the rights of the service. */
async function canLogIn(service: PoolConfig): Promise<boolean> {
  try {
    return await withClient(service, async (client) => {
      const { rows } = await client.query<{ member: boolean }>("SELECT pg_has_role($1, $2, 'member') AS member", [
        ...[service.user, serviceRole],
      ]);
      return rows[0]!.member;
    });
  } catch (error) {
    if (isAuthenticationFailure(error)) return false;
    throw error;
  }
}

async function withClient<T>(config: PoolConfig, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client(config);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

const iterations = 4096;

/** What PostgreSQL stores of a password (RFC 5803). So the password itself never gets into its log. */
function scramVerifier(password: string): string {
  const salt = randomBytes(16);
  const salted = pbkdf2Sync(password.normalize('NFKC'), salt, iterations, 32, 'sha256');
  const keyOf = (name: string) => createHmac('sha256', salted).update(name).digest();
  const stored = createHash('sha256').update(keyOf('Client Key')).digest('base64');
  const server = keyOf('Server Key').toString('base64');
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${stored}:${server}`;
}
