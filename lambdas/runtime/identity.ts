import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from 'jose';
import { v5 as uuidv5, validate } from 'uuid';
import { limits } from '../../protocol/limits.ts';
import { environmentNames } from './environment.ts';
import { once, required } from './once.ts';

/** Somebody with a valid token. */
export interface Identity {
  userId: string;
  username: string;
  /** The token's `sub` as it is. */
  externalId: string;
  scope: string;
}

/** Signatures with a public key only: with a shared secret whoever can verify could also sign. */
const algorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];

const keySet = once(() =>
  createRemoteJWKSet(new URL(required(environmentNames.jwksUri)), { timeoutDuration: 3000, cooldownDuration: 10_000 }),
);

/**
 * Verifies a token: signature by the provider's keys, algorithm, issuer, audience and times.
 *
 * @returns undefined for a token that is not valid here; throws where the provider's keys cannot be read.
 */
export async function verifyToken(token: string): Promise<Identity | undefined> {
  try {
    const { payload } = await jwtVerify(token, keySet(), {
      issuer: required(environmentNames.jwtIssuer),
      audience: required(environmentNames.jwtAudience),
      algorithms,
      requiredClaims: ['sub', 'exp'],
    });
    return identityOf(payload);
  } catch (error) {
    if (error instanceof errors.JOSEError && !isOutage(error)) return undefined;
    throw error;
  }
}

/** The keys could not be fetched: that says nothing about the token. */
function isOutage(error: errors.JOSEError): boolean {
  return error instanceof errors.JWKSTimeout || error.code === 'ERR_JOSE_GENERIC';
}

/** Who a verified token stands for; undefined without a usable `sub`. */
export function identityOf(claims: JWTPayload): Identity | undefined {
  const { sub, iss, name, scope } = claims;
  if (typeof sub !== 'string' || sub === '' || sub.length > 255 || typeof iss !== 'string') return undefined;
  return {
    userId: userIdOf(iss, sub),
    username: displayName(typeof name === 'string' ? name : '') || displayName(sub),
    externalId: sub,
    scope: typeof scope === 'string' ? scope : '',
  };
}

/** A `sub` that is a UUID is the user's id; any other becomes UUIDv5 of issuer and sub, so tables keep UUID keys. */
export function userIdOf(issuer: string, sub: string): string {
  return validate(sub) ? sub.toLowerCase() : uuidv5(sub, uuidv5(issuer, uuidv5.URL));
}

/** A name as it can be shown and stored: no control characters, not too long. */
export function displayName(name: string): string {
  return name
    .replaceAll(/\p{Cc}/gu, '')
    .trim()
    .slice(0, limits.nameCharacters)
    .toWellFormed();
}
