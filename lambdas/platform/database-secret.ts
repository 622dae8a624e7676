import { existsSync, readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import {
  GetSecretValueCommand,
  type GetSecretValueCommandInput,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import type { PoolConfig } from 'pg';
import * as z from 'zod/mini';
import { dependencyTimeoutMillis } from '../../protocol/timings.ts';
import { environmentNames } from './environment.ts';
import { once } from './once.ts';

const secretShape = z.object({
  host: z.string(),
  port: z.coerce.number().check(z.int()),
  dbname: z.string(),
  username: z.string(),
  password: z.string(),
});

/** The Lambda runtime of Node.js contains Amazon's certificate authorities (also those of RDS), but does not load them. */
const lambdaCertificates = '/var/runtime/ca-cert.pem';

const secretsManager = once(
  () =>
    new SecretsManagerClient({
      maxAttempts: 2,
      requestHandler: { requestTimeout: dependencyTimeoutMillis, throwOnRequestTimeout: true },
    }),
);

export interface SecretOptions {
  /** A connection with a password from this secret that the server refused. */
  refused?: PoolConfig;
  client?: SecretsManagerClient;
}

/**
 * Reads the connection settings from a Secrets Manager secret in the form of RDS (`host`, `port`, `dbname`, `username`,
 * `password`). The connection is encrypted, and the certificate of the server is verified, except on one machine
 * (`DATABASE_TLS=off`).
 *
 * A rotation sets the password in PostgreSQL first and makes it the current one of the secret a moment later. If the current
 * password was refused, the pending one is returned, if there is one.
 *
 * @throws Error that names the secret but does not contain its value.
 */
export async function readDatabaseSecret(secretArn: string, options: SecretOptions = {}): Promise<PoolConfig> {
  const { refused, client = secretsManager() } = options;
  const current = await readVersion(client, { SecretId: secretArn });
  if (refused === undefined || current.password !== refused.password) return current;
  try {
    return await readVersion(client, { SecretId: secretArn, VersionStage: 'AWSPENDING' });
  } catch (error) {
    if ((error as Error).name === 'ResourceNotFoundException') return current;
    throw error;
  }
}

async function readVersion(client: SecretsManagerClient, version: GetSecretValueCommandInput): Promise<PoolConfig> {
  const { SecretString: text } = await client.send(new GetSecretValueCommand(version));
  const secret = secretShape.safeParse(parseJson(text ?? ''));
  if (!secret.success) {
    throw new Error(`The secret ${version.SecretId} must be JSON with host, port, dbname, username and password.`);
  }
  const { host, port, dbname, username, password } = secret.data;
  return {
    ...{ host, port, database: dbname, user: username, password },
    ssl: isLocal() ? false : { rejectUnauthorized: true, ca: certificateAuthorities() },
  };
}

const isLocal = () => process.env[environmentNames.databaseTls] === 'off';

/** The public certificate authorities and, on Lambda, also those of Amazon. */
const certificateAuthorities = once((): string[] => [
  ...rootCertificates,
  ...(existsSync(lambdaCertificates) ? [readFileSync(lambdaCertificates, 'utf8')] : []),
]);

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The message of the parser would quote the secret. The error of the caller contains only its name.
    return undefined;
  }
}
