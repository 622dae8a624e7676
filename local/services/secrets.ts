import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import type { ResolvedResource, Resolver } from '../template/resolver.ts';

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
  await writeFile(file, JSON.stringify({ ...stored, ...Object.fromEntries(secrets) }, null, 2), { mode: 0o600 });
  return secrets;
}

async function readStored(file: string): Promise<Record<string, string>> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '{}';
    throw error;
  });
  try {
    return JSON.parse(text) as Record<string, string>;
  } catch (error) {
    throw new Error(`${file} is damaged; remove it, or start with --fresh.`, { cause: error });
  }
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
