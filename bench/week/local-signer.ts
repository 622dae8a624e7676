import { generateKeyPairSync, sign } from 'node:crypto';
import type { CheckpointSigner } from '../../lambdas/activity/checkpoint-signer.ts';

/** Signs checkpoints with a key of this process, where there is no KMS. */
export function localSigner(): CheckpointSigner {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    publicKey: async () => publicKey.export({ format: 'der', type: 'spki' }),
    sign: async (text) => sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' }),
  };
}
