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

/**
 * The signature algorithms that the JWT authorizer of the HTTP API accepts (AWS: "only RSA-based algorithms"). The same
 * token must work at both doors.
 */
const algorithms = ['RS256', 'RS384', 'RS512'];

/** OpenID Connect Core, section 2: a `sub` has at most 255 ASCII characters. */
const subjectCharacters = 255;
/** What somebody is called whose token has no visible name. */
const unnamed = 'Unnamed';

const tokenKeys = once(() => createTokenKeys(new URL(keysAddress())));

/** `JWKS_URI`, or else the address that follows from the issuer. */
function keysAddress(): string {
  const issuer = required(environmentNames.jwtIssuer);
  return process.env[environmentNames.jwksUri] || `${issuer.replace(/\/+$/, '')}/.well-known/jwks.json`;
}

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
    algorithms,
    requiredClaims: ['sub', 'exp'],
    clockTolerance: tokenLeewaySeconds,
  });
  if (!isForAudience(payload, required(environmentNames.jwtAudience))) {
    throw new errors.JWTClaimValidationFailed('The token is for another audience.', payload, 'aud');
  }
  return payload;
}

/**
 * The rule of the JWT authorizer of an HTTP API: the audience stands in `aud`, and in `client_id` only if there is no `aud`.
 * Access tokens of Amazon Cognito have no `aud`.
 */
function isForAudience({ aud, client_id: clientId }: JWTPayload, audience: string): boolean {
  return (aud === undefined ? [clientId] : [aud].flat()).includes(audience);
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
