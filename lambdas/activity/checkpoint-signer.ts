import { GetPublicKeyCommand, type KMSClient, SignCommand } from '@aws-sdk/client-kms';

/** Signs checkpoints. */
export interface CheckpointSigner {
  /** SubjectPublicKeyInfo in DER. */
  publicKey(): Promise<Buffer>;
  /** ECDSA on P-256 with SHA-256: `r` and `s`, 64 bytes. */
  sign(text: string): Promise<Buffer>;
}

/** Signs with an asymmetric key in KMS, which nobody can export. */
export class KmsSigner implements CheckpointSigner {
  readonly #client: KMSClient;
  readonly #keyId: string;

  /** @param keyId the ARN of a key with the spec `ECC_NIST_P256` and the usage `SIGN_VERIFY`. */
  constructor(client: KMSClient, keyId: string) {
    this.#client = client;
    this.#keyId = keyId;
  }

  async publicKey(): Promise<Buffer> {
    const { PublicKey: key } = await this.#client.send(new GetPublicKeyCommand({ KeyId: this.#keyId }));
    if (!key) throw new Error('KMS returned no public key.');
    return Buffer.from(key);
  }

  async sign(text: string): Promise<Buffer> {
    const { Signature: der } = await this.#client.send(
      new SignCommand({
        KeyId: this.#keyId,
        Message: Buffer.from(text),
        MessageType: 'RAW',
        SigningAlgorithm: 'ECDSA_SHA_256',
      }),
    );
    if (!der) throw new Error('KMS returned no signature.');
    return fromDer(Buffer.from(der));
  }
}

/** KMS returns `r` and `s` as integers in DER. WebCrypto verifies them only as 32 bytes each. */
function fromDer(der: Buffer): Buffer {
  const integers: Buffer[] = [];
  // A sequence of two integers: each has a tag, a length of one byte, and a leading zero if its first bit is set.
  for (let at = 2; at < der.length; at += 2 + der[at + 1]!) integers.push(der.subarray(at + 2, at + 2 + der[at + 1]!));
  if (der[0] !== 0x30 || integers.length !== 2) throw new Error('KMS returned a signature of another form.');
  return Buffer.concat(
    integers.map((integer) => {
      const digits = integer[0] === 0 ? integer.subarray(1) : integer;
      return Buffer.concat([Buffer.alloc(32 - digits.length), digits]);
    }),
  );
}
