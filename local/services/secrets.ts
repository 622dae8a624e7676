import { randomBytes } from 'node:crypto';
import type { ResolvedResource, Resolver } from '../template/resolver.ts';
import { readStored, writeStored } from './stored-values.ts';

interface GenerateSecretString {
  PasswordLength?: number;
  ExcludeCharacters?: string;
  ExcludePunctuation?: boolean;
  SecretStringTemplate?: string;
  GenerateStringKey?: string;
}

const defaultLength = 32;
const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const punctuation = '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~';

/**
 * The values of the template's secrets, by ARN. A value is generated once and stored in the file, which only its owner
 * can read, so signatures stay valid after a restart.
 */
export async function loadSecrets(resolver: Resolver, file: string): Promise<Map<string, string>> {
  const stored = await readStored(file);
  const secrets = new Map<string, string>();
  for (const secret of resolver.resourcesOfType('AWS::SecretsManager::Secret')) {
    const value = secret.properties['SecretString'] ?? stored[secret.reference] ?? generate(secret);
    secrets.set(secret.reference, String(value));
  }
  await writeStored(file, { ...stored, ...Object.fromEntries(secrets) });
  return secrets;
}

function generate({ properties }: ResolvedResource): string {
  const settings = (properties['GenerateSecretString'] ?? {}) as GenerateSecretString;
  const excluded = new Set(settings.ExcludeCharacters ?? '');
  const alphabet = [...letters, ...(settings.ExcludePunctuation ? '' : punctuation)].filter((c) => !excluded.has(c));
  const password = randomText(alphabet, settings.PasswordLength ?? defaultLength);
  if (!settings.GenerateStringKey) return password;
  const template = JSON.parse(settings.SecretStringTemplate ?? '{}') as Record<string, unknown>;
  return JSON.stringify({ ...template, [settings.GenerateStringKey]: password });
}

/** Random text without bias: bytes that would prefer the first characters are skipped. */
function randomText(alphabet: string[], length: number): string {
  const fair = 256 - (256 % alphabet.length);
  let text = '';
  while (text.length < length) {
    for (const byte of randomBytes(length)) {
      if (byte < fair && text.length < length) text += alphabet[byte % alphabet.length];
    }
  }
  return text;
}
