import { dependencyTimeoutMillis } from '../../protocol/timings.ts';
import { environmentNames } from '../platform/environment.ts';
import { once, required } from '../platform/once.ts';
import { SecretBox } from '../webhooks/secret-box.ts';

/** Encrypts the secrets of endpoints. Its key is read at the first use. */
export const webhookSecrets = once(() => {
  let key: Promise<string> | undefined;
  return new SecretBox(() => {
    key ??= readKey().catch((error) => {
      key = undefined;
      throw error;
    });
    return key;
  });
});

async function readKey(): Promise<string> {
  const { GetSecretValueCommand, SecretsManagerClient } = await import('@aws-sdk/client-secrets-manager');
  const client = new SecretsManagerClient({
    maxAttempts: 2,
    requestHandler: { requestTimeout: dependencyTimeoutMillis, throwOnRequestTimeout: true },
  });
  const command = new GetSecretValueCommand({ SecretId: required(environmentNames.webhookKeyArn) });
  const { SecretString: text } = await client.send(command);
  if (!text) throw new Error('The key of the webhook secrets is empty.');
  return text;
}
