import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

const version = 1;
const nonceBytes = 12;
const tagBytes = 16;

/**
 * Encrypts the secrets of endpoints with AES-256-GCM before they are stored. The id of the endpoint is part of what is
 * authenticated, so the secret of one endpoint cannot be stored at another one.
 */
export class SecretBox {
  readonly #keyText: () => Promise<string>;

  /** @param keyText the text of the master key; read at the first use. */
  constructor(keyText: () => Promise<string>) {
    this.#keyText = keyText;
  }

  async seal(secret: string, endpointId: string): Promise<Buffer> {
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv('aes-256-gcm', await this.#key(), nonce).setAAD(Buffer.from(endpointId));
    const sealed = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
    return Buffer.concat([Buffer.of(version), nonce, cipher.getAuthTag(), sealed]);
  }

  /** @throws Error if it was sealed with another key or for another endpoint, or was changed. */
  async open(sealed: Buffer, endpointId: string): Promise<string> {
    if (sealed[0] !== version) throw new Error('The secret of an endpoint is stored in a form that is not known.');
    const nonce = sealed.subarray(1, 1 + nonceBytes);
    const tag = sealed.subarray(1 + nonceBytes, 1 + nonceBytes + tagBytes);
    const decipher = createDecipheriv('aes-256-gcm', await this.#key(), nonce, { authTagLength: tagBytes });
    decipher.setAAD(Buffer.from(endpointId)).setAuthTag(tag);
    const content = sealed.subarray(1 + nonceBytes + tagBytes);
    return Buffer.concat([decipher.update(content), decipher.final()]).toString('utf8');
  }

  async #key(): Promise<Uint8Array> {
    return new Uint8Array(hkdfSync('sha256', await this.#keyText(), '', 'rollcall webhook secrets', 32));
  }
}
