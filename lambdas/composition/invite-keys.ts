import { dependencyTimeoutMillis } from '../../protocol/timings.ts';
import { environmentNames } from '../platform/environment.ts';
import { once, required } from '../platform/once.ts';

/** The secrets that sign invites, newest first. They are read once, when the first invite is made or verified. */
export const inviteKeys = once(() => {
  let keys: Promise<readonly Uint8Array[]> | undefined;
  return () => {
    keys ??= readInviteSecret().catch((error) => {
      keys = undefined;
      throw error;
    });
    return keys;
  };
});

async function readInviteSecret(): Promise<readonly Uint8Array[]> {
  // Loaded here, because most handshakes have a token and no invite.
  const { GetSecretValueCommand, SecretsManagerClient } = await import('@aws-sdk/client-secrets-manager');
  const client = new SecretsManagerClient({
    maxAttempts: 2,
    requestHandler: { requestTimeout: dependencyTimeoutMillis, throwOnRequestTimeout: true },
  });
  const command = new GetSecretValueCommand({ SecretId: required(environmentNames.inviteSecretArn) });
  const { SecretString: secret } = await client.send(command);
  if (!secret) throw new Error('The secret that signs invites is empty.');
  return [new TextEncoder().encode(secret)];
}
