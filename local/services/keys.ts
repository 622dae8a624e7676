import { generateKeyPairSync } from 'node:crypto';
import { arn as arnOf } from '../template/local-account.ts';
import type { Resolver } from '../template/resolver.ts';
import { readStored, writeStored } from './stored-values.ts';

/**
 * The private keys of the template's asymmetric keys in PEM, by ARN. A key is generated once and stored in the file, which
 * only its owner can read, so signatures stay valid after a restart.
 *
 * @throws Error for a key of a kind that is not emulated.
 */
export async function loadKeys(resolver: Resolver, file: string): Promise<Map<string, string>> {
  const stored = await readStored(file);
  const keys = new Map<string, string>();
  for (const { reference, properties } of resolver.resourcesOfType('AWS::KMS::Key')) {
    if (properties['KeySpec'] !== 'ECC_NIST_P256') {
      throw new Error(`The key ${reference} has a KeySpec that one machine does not emulate; use ECC_NIST_P256.`);
    }
    const arn = arnOf('kms', `key/${reference}`);
    keys.set(arn, stored[arn] ?? generate());
  }
  await writeStored(file, { ...stored, ...Object.fromEntries(keys) });
  return keys;
}

function generate(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
}
