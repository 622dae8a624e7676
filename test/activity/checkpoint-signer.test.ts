import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import { GetPublicKeyCommand, KMSClient, SignCommand } from '@aws-sdk/client-kms';
import { mockClient } from 'aws-sdk-client-mock';
import { KmsSigner } from '../../lambdas/activity/checkpoint-signer.ts';

const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const kms = mockClient(KMSClient);
const signer = new KmsSigner(new KMSClient({ region: 'us-east-1' }), 'arn:of:the:key');

beforeEach(() => kms.reset());

test('a signature of KMS is converted to the 64 bytes of WebCrypto, even if its numbers are short', async () => {
  const lengths = new Set<number>();
  kms
    .on(SignCommand, { KeyId: 'arn:of:the:key', MessageType: 'RAW', SigningAlgorithm: 'ECDSA_SHA_256' })
    .callsFake(({ Message }) => {
      const der = sign('sha256', Message as Buffer, privateKey);
      lengths.add(der.length);
      return { Signature: der };
    });
  kms.on(GetPublicKeyCommand).resolves({ PublicKey: publicKey.export({ type: 'spki', format: 'der' }) });
  const key = createPublicKey({ key: await signer.publicKey(), format: 'der', type: 'spki' });
  // One number in 256 has a leading zero byte less.
  for (let n = 0; lengths.size < 4 && n < 20_000; n += 1) {
    const signature = await signer.sign(`text ${n}`);
    expect(signature).toHaveLength(64);
    expect(verify('sha256', Buffer.from(`text ${n}`), { key, dsaEncoding: 'ieee-p1363' }, signature)).toBe(true);
  }
  expect(lengths.size).toBeGreaterThanOrEqual(4);
});

test('an answer without a signature is an error', async () => {
  kms.on(SignCommand).resolves({});
  await expect(signer.sign('text')).rejects.toThrow('no signature');
  kms.on(SignCommand).resolves({ Signature: Buffer.from('nonsense') });
  await expect(signer.sign('text')).rejects.toThrow('another form');
});
