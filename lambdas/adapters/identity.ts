import { decodeJwt, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { v5 as uuidv5 } from 'uuid';
import { displayName } from '../../protocol/names.ts';
import { textProblem } from '../../protocol/text.ts';
import { tokenLeewaySeconds } from '../../protocol/timings.ts';
import { isUuid } from '../../protocol/uuid.ts';
import { environmentNames } from '../platform/environment.ts';
import { once, required } from '../platform/once.ts';
import { createTokenKeys } from './token-keys.ts';

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

/** OpenID Connect Core, section 2: a `sub` has at most 255 ASCII characters. */
const subjectCharacters = 255;
/** What somebody is called whose token has no visible name. */
const unnamed = 'Unnamed';

const tokenKeys = once(() => createTokenKeys(new URL(required(environmentNames.jwksUri))));

/**
 * Verifies a token: signature by the provider's keys, algorithm, issuer, audience and times.
 *
 * @returns undefined for a token that is not valid here; throws where the provider's keys cannot be read.
 */
export async function verifyToken(token: string): Promise<Identity | undefined> {
  try {
    return identityOf(await verifyWithAny(token, tokenKeys()));
  } catch (error) {
    if (error instanceof errors.JOSEError && !isOutage(error)) return undefined;
    throw error;
  }
}

/** A token that does not name its key is tried with each key of its kind. */
async function verifyWithAny(token: string, keys: JWTVerifyGetKey): Promise<JWTPayload> {
  try {
    return await verifyWith(token, keys);
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    for await (const key of error) {
      try {
        return await verifyWith(token, async () => key);
      } catch (failure) {
        if (!(failure instanceof errors.JWSSignatureVerificationFailed)) throw failure;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
}

async function verifyWith(token: string, keys: JWTVerifyGetKey): Promise<JWTPayload> {
  const { payload } = await jwtVerify(token, keys, {
    issuer: required(environmentNames.jwtIssuer),
    audience: required(environmentNames.jwtAudience),
    algorithms,
    requiredClaims: ['sub', 'exp'],
    clockTolerance: tokenLeewaySeconds,
  });
  return payload;
}

/** The keys could not be fetched: that says nothing about the token. */
function isOutage(error: errors.JOSEError): boolean {
  return error instanceof errors.JWKSTimeout || error.code === 'ERR_JOSE_GENERIC';
}

/**
 * Who a verified token stands for; undefined without a usable `sub`. This is the one rule for the WebSocket API and the
 * HTTP API: a `sub` is text of 1 to 255 characters that the database can hold.
 */
export function identityOf(claims: JWTPayload): Identity | undefined {
  const { sub, iss, name, scope } = claims;
  if (typeof sub !== 'string' || sub === '' || sub.length > subjectCharacters || textProblem(sub)) return undefined;
  if (typeof iss !== 'string') return undefined;
  return {
    userId: userIdOf(iss, sub),
    username: displayName(typeof name === 'string' ? name : '') || displayName(sub) || unnamed,
    externalId: sub,
    scope: typeof scope === 'string' ? scope : '',
  };
}

/**
 * The same behind the authorizer of an HTTP API, which hands every claim on as text: a `sub` of 5 looks like `"5"` there.
 * The token that the authorizer verified still says what it was, so that the two APIs agree.
 *
 * @param claims as the authorizer established them; the token is read only to refuse what differs from them.
 * @param authorization the request's `authorization` header.
 */
export function identityBehindAuthorizer(claims: JWTPayload, authorization: string | undefined): Identity | undefined {
  return subjectOf(authorization) === claims.sub ? identityOf(claims) : undefined;
}

function subjectOf(authorization: string | undefined): unknown {
  try {
    return decodeJwt(authorization?.replace(/^Bearer\s+/i, '') ?? '').sub;
  } catch (error) {
    if (error instanceof errors.JWTInvalid) return null;
    throw error;
  }
}

/** A `sub` that is a UUID is the user's id; any other becomes UUIDv5 of issuer and sub, so tables keep UUID keys. */
export function userIdOf(issuer: string, sub: string): string {
  return isUuid(sub) ? sub.toLowerCase() : uuidv5(sub, uuidv5(issuer, uuidv5.URL));
}
