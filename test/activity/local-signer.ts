import { generateKeyPairSync, sign } from 'node:crypto';
import type { CheckpointSigner } from '../../lambdas/activity/checkpoint-signer.ts';

/** A signer with a key of its own. */
export function localSigner(): CheckpointSigner & { key: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const der = publicKey.export({ type: 'spki', format: 'der' });
  return {
    key: der.toString('base64'),
    publicKey: async () => der,
    sign: async (text) => sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' }),
  };
}
