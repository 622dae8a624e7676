import { createPublicKey, generateKeyPair, type JsonWebKey } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { type CryptoKey, calculateJwkThumbprint, importJWK, type JWK, SignJWT } from 'jose';
import { v5 as uuidv5 } from 'uuid';
import { type AccessClaim, defaultAccessClaim } from '../../protocol/access-claim.ts';
import { isUuid } from '../../protocol/uuid.ts';

/** The issuer and the audience of tokens. */
export interface IdentitySettings {
  issuer: string;
  audience: string;
  /** The name of the access claim; the product's default if it is not set. */
  accessClaim?: string | undefined;
}

/** Independent of start and port, so that a name keeps its user id. */
export const localIssuer = 'http://localhost/rollcall';
export const localAudience = 'rollcall';
const adminScope = 'rollcall/admin';
const expiresInSeconds = 12 * 60 * 60;

/** The user of a token and what it grants. */
export interface TokenRequest {
  subject: string;
  name: string;
  admin: boolean;
  /** The keys that the holder may use; undefined for a token without the claim. */
  sessions?: AccessClaim | undefined;
}

export interface DeveloperToken {
  token: string;
  userId: string;
  /** Seconds. */
  expiresIn: number;
}

/** The local identity provider. It signs a token for any user, with a key that only this machine trusts. */
export class IdentityProvider {
  readonly settings: IdentitySettings;
  readonly publicKeys: { keys: JWK[] };
  readonly #key: CryptoKey | Uint8Array;

  private constructor(settings: IdentitySettings, publicKey: JWK, key: CryptoKey | Uint8Array) {
    this.settings = settings;
    this.publicKeys = { keys: [publicKey] };
    this.#key = key;
  }

  /** Opens the provider. Its key is generated once and stored in the file, which only its owner can read. */
  static async open(file: string, settings: IdentitySettings): Promise<IdentityProvider> {
    const privateKey = (await readKey(file)) ?? (await makeKey(file));
    const { kty, n, e } = privateKey;
    const publicKey = { kty, n, e, kid: await calculateJwkThumbprint(privateKey), use: 'sig', alg: 'RS256' };
    return new IdentityProvider(settings, publicKey, await importJWK(privateKey, 'RS256'));
  }

  async issue({ subject, name, admin, sessions }: TokenRequest, now: number): Promise<DeveloperToken> {
    const { issuer, audience, accessClaim = defaultAccessClaim } = this.settings;
    const issuedAt = Math.floor(now / 1000);
    const access = sessions === undefined ? {} : { [accessClaim]: { sessions } };
    const token = await new SignJWT({ name, ...(admin ? { scope: adminScope } : {}), ...access })
      .setProtectedHeader({ alg: 'RS256', kid: this.publicKeys.keys[0]?.kid ?? '', typ: 'JWT' })
      .setSubject(subject)
      .setIssuer(issuer)
      .setAudience(audience)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + expiresInSeconds)
      .sign(this.#key);
    return { token, userId: userIdOf(issuer, subject), expiresIn: expiresInSeconds };
  }
}

/** The user id of a subject: a UUID stays as it is, any other subject becomes a UUIDv5 of issuer and subject. */
export function userIdOf(issuer: string, subject: string): string {
  return isUuid(subject) ? subject.toLowerCase() : uuidv5(subject, uuidv5(issuer, uuidv5.URL));
}

async function readKey(file: string): Promise<JWK | undefined> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    const key = JSON.parse(text) as JWK;
    createPublicKey({ key: key as JsonWebKey, format: 'jwk' });
    return key;
  } catch (error) {
    throw new Error(`${file} is damaged; remove it, or start with --fresh.`, { cause: error });
  }
}

async function makeKey(file: string): Promise<JWK> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
  const key = privateKey.export({ format: 'jwk' });
  await writeFile(file, JSON.stringify(key), { mode: 0o600 });
  return key as JWK;
}
