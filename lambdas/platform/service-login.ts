import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { Client, type PoolConfig } from 'pg';
import { isAuthenticationFailure } from './database-failure.ts';
import { readDatabaseSecret } from './database-secret.ts';
import { environmentNames } from './environment.ts';

/** The role with the rights of the service; the migrations create it. */
export const serviceRole = 'rollcall_service';

/** How the functions of the service connect; undefined if they connect as the owner. */
export async function serviceConnection(): Promise<PoolConfig | undefined> {
  const secret = process.env[environmentNames.serviceSecretArn];
  return secret ? readDatabaseSecret(secret) : undefined;
}

/**
 * Lets the functions of the service log in: a user with only the rights of {@link serviceRole}, and the password of their secret. If
 * that user can log in already, nothing changes, so a rotation at the same time is not disturbed.
 *
 * @param owner how the migrations connect.
 * @param service how the functions connect. Its user must not be the owner.
 * @throws Error with one next step if the owner may not create users.
 */
export async function admitService(owner: PoolConfig, service: PoolConfig): Promise<void> {
  if (await canLogIn(service)) return;
  const client = new Client(owner);
  await client.connect();
  try {
    const { user = '', password } = service;
    const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [user]);
    const statement = rowCount ? 'ALTER ROLE %1$I LOGIN PASSWORD %2$L' : 'CREATE ROLE %1$I LOGIN PASSWORD %2$L';
    const values = [user, scramVerifier(String(password)), serviceRole];
    for (const text of [statement, 'GRANT %3$I TO %1$I']) {
      const { rows } = await client.query<{ sql: string }>(
        `SELECT format('${text}', $1::text, $2::text, $3::text) AS sql`,
        values,
      );
      await client.query(rows[0]!.sql);
    }
  } catch (error) {
    if ((error as { code?: string }).code !== '42501') throw error;
    throw new Error('The owner of the database may not create users; give it CREATEROLE.', { cause: error });
  } finally {
    await client.end();
  }
}

/** Whether the user exists with this password and has the rights of the service. */
async function canLogIn(service: PoolConfig): Promise<boolean> {
  const client = new Client(service);
  try {
    await client.connect();
    const { rows } = await client.query<{ member: boolean }>("SELECT pg_has_role($1, $2, 'member') AS member", [
      ...[service.user, serviceRole],
    ]);
    return rows[0]!.member;
  } catch (error) {
    if (isAuthenticationFailure(error)) return false;
    throw error;
  } finally {
    await client.end().catch(() => {});
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
