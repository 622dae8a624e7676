import { existsSync, readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
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

/**
 * Reads the connection settings from a Secrets Manager secret in the form of RDS (`host`, `port`, `dbname`, `username`,
 * `password`). The connection is encrypted, and the certificate of the server is verified, except on one machine
 * (`DATABASE_TLS=off`).
 *
 * @throws Error that names the secret but does not contain its value.
 */
export async function readDatabaseSecret(secretArn: string, client = secretsManager()): Promise<PoolConfig> {
  const { SecretString: text } = await client.send(new GetSecretValueCommand({ SecretId: secretArn }));
  const secret = secretShape.safeParse(parseJson(text ?? ''));
  if (!secret.success) {
    throw new Error(`The secret ${secretArn} must be JSON with host, port, dbname, username and password.`);
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
