import { createHash, randomBytes } from 'node:crypto';

/** A key as its holder sends it: `rk_<id>_<secret>`. The prefix lets scanners find keys in source code. */
const form = /^rk_([0-9a-f]{16})_([\w-]{43})$/;

/** The parts of a key that may be stored. */
export interface KeyParts {
  id: string;
  /** SHA-256 of the secret. */
  secretHash: Buffer;
}

/** Makes a key with a secret of 256 random bits. Only this result contains the secret. */
export function newKey(): KeyParts & { text: string } {
  const id = randomBytes(8).toString('hex');
  const secret = randomBytes(32).toString('base64url');
  return { id, secretHash: hashOf(secret), text: `rk_${id}_${secret}` };
}

/** Reads a key. Undefined for a text that cannot be one; then no query is made. */
export function readKey(text: string): KeyParts | undefined {
  const [, id, secret] = form.exec(text) ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secretHash: hashOf(secret) };
}

function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
