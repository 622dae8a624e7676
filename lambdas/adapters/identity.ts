import { decodeJwt, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { v5 as uuidv5 } from 'uuid';
import { type AccessClaim, defaultAccessClaim } from '../../protocol/access-claim.ts';
import { RollcallError } from '../../protocol/errors.ts';
import { displayName } from '../../protocol/names.ts';
import { readAccessClaim } from '../../protocol/read-access-claim.ts';
import { textProblem } from '../../protocol/text.ts';
import { tokenLeewaySeconds } from '../../protocol/timings.ts';
import { isUuid } from '../../protocol/uuid.ts';
import { environmentNames } from '../platform/environment.ts';
import { once, required } from '../platform/once.ts';
import { createTokenKeys } from './token-keys.ts';

/** The user of a valid token. */
export interface Identity {
  userId: string;
  username: string;
  /** The token's `sub` as it is. */
  externalId: string;
  scope: string;
  /** The keys that the token lets its holder use; without it the rules of each session decide (rule SE12). */
  claim?: AccessClaim;
  /** When the token ends, Unix seconds; absent behind an authorizer, which asks each time. */
  expires?: number;
}

/**
 * The signature algorithms that the JWT authorizer of the HTTP API accepts (AWS: "only RSA-based algorithms"). The same
 * token must work with both APIs.
 */
const algorithms = ['RS256', 'RS384', 'RS512'];

/** OpenID Connect Core, section 2: a `sub` has at most 255 ASCII characters. */
const subjectCharacters = 255;
/** The name of a user whose token has no visible name. */
const unnamed = 'Unnamed';

const tokenKeys = once(() => createTokenKeys(new URL(keysAddress())));

/** `JWKS_URI`, or the address that follows from the issuer. */
function keysAddress(): string {
  const issuer = required(environmentNames.jwtIssuer);
  return process.env[environmentNames.jwksUri] || `${issuer.replace(/\/+$/, '')}/.well-known/jwks.json`;
}

/**
 * Verifies a token: the signature with the keys of the identity provider, the algorithm, issuer, audience and times.
 *
 * @returns undefined if the token is not valid.
 * @throws if the keys of the identity provider cannot be read. RollcallError UNAUTHENTICATED if the access claim of the token
 *   cannot be read.
 */
export async function verifyToken(token: string): Promise<Identity | undefined> {
  try {
    return identityOf(await verifyWithAny(token, tokenKeys()));
  } catch (error) {
    if (error instanceof errors.JOSEError && !isOutage(error)) return undefined;
    throw error;
  }
}

/** A token that does not name its key is verified with each key of its type. */
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
 * The rule of the JWT authorizer of an HTTP API: the audience is `aud`, or `client_id` if there is no `aud`.
 * Access tokens of Amazon Cognito have no `aud`.
 */
function isForAudience({ aud, client_id: clientId }: JWTPayload, audience: string): boolean {
  return (aud === undefined ? [clientId] : [aud].flat()).includes(audience);
}

/** Whether the keys could not be fetched, so that it is unknown whether the token is valid. */
function isOutage(error: errors.JOSEError): boolean {
  return error instanceof errors.JWKSTimeout || error.code === 'ERR_JOSE_GENERIC';
}

/**
 * The user of a verified token; undefined without a valid `sub`. Both the WebSocket API and the HTTP API use this rule: a
 * `sub` is text of 1 to 255 characters that the database can hold.
 *
 * @throws RollcallError UNAUTHENTICATED if the access claim cannot be read. Without its claim the token would grant more.
 */
export function identityOf(claims: JWTPayload): Identity | undefined {
  const { sub, iss, name, scope, exp } = claims;
  if (typeof sub !== 'string' || sub === '' || sub.length > subjectCharacters || textProblem(sub)) return undefined;
  if (typeof iss !== 'string') return undefined;
  return {
    userId: userIdOf(iss, sub),
    username: displayName(typeof name === 'string' ? name : '') || displayName(sub) || unnamed,
    externalId: sub,
    scope: typeof scope === 'string' ? scope : '',
    ...accessOf(claims),
    ...(typeof exp === 'number' ? { expires: exp } : {}),
  };
}

function accessOf(claims: JWTPayload): { claim?: AccessClaim } {
  const name = accessClaimName();
  if (claims[name] === undefined) return {};
  const read = readAccessClaim(claims[name]);
  if ('sessions' in read) return { claim: read.sessions };
  throw new RollcallError('UNAUTHENTICATED', `The claim "${name}" of the token ${read.problem}; get another token.`);
}

function accessClaimName(): string {
  return process.env[environmentNames.jwtAccessClaim] || defaultAccessClaim;
}

/**
 * The same behind the authorizer of an HTTP API, which passes every claim as text: a `sub` of 5 becomes `"5"`. So this also
 * reads the token, and both APIs accept the same tokens. The access claim is an object, so it is taken from the token. AWS does
 * not say whether its authorizer refuses a token without `exp`. So this function does.
 *
 * @param claims from the authorizer, which has verified the token. A token with another `sub` is refused, and so is one without an end.
 * @param authorization the request's `authorization` header.
 * @throws RollcallError UNAUTHENTICATED if the access claim cannot be read.
 */
export function identityBehindAuthorizer(claims: JWTPayload, authorization: string | undefined): Identity | undefined {
  const token = payloadOf(authorization);
  if (token?.sub !== claims.sub || typeof token?.exp !== 'number') return undefined;
  const name = accessClaimName();
  return identityOf({ ...claims, [name]: token?.[name] });
}

function payloadOf(authorization: string | undefined): JWTPayload | undefined {
  try {
    return decodeJwt(authorization?.replace(/^Bearer\s+/i, '') ?? '');
  } catch (error) {
    if (error instanceof errors.JWTInvalid) return undefined;
    throw error;
  }
}

/** The id of a user: the `sub` if it is a UUID, otherwise the UUIDv5 of issuer and `sub`. So the tables have UUID keys. */
export function userIdOf(issuer: string, sub: string): string {
  return isUuid(sub) ? sub.toLowerCase() : uuidv5(sub, uuidv5(issuer, uuidv5.URL));
}
