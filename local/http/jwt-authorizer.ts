import { createLocalJWKSet, createRemoteJWKSet, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import type { IdentityProvider } from '../identity/identity-provider.ts';
import type { JwtAuthorizerDefinition } from '../template/http-api.ts';

/** The signature algorithms that the JWT authorizer of an HTTP API accepts. */
const algorithms = ['RS256', 'RS384', 'RS512'];

export type JwtVerdict = { status: 200; jwt: JwtContext } | { status: 401 | 403; reason: string };

/** The value of `requestContext.authorizer.jwt`. */
export interface JwtContext {
  claims: Record<string, string>;
  scopes: string[] | null;
}

/** Verifies bearer tokens as the JWT authorizer of an HTTP API does. */
export class JwtAuthorizer {
  readonly #definition: JwtAuthorizerDefinition;
  readonly #local: IdentityProvider | undefined;
  #keys: Promise<JWTVerifyGetKey> | undefined;

  /** @param local the local identity provider, if the stack trusts it; its keys need no fetch. */
  constructor(definition: JwtAuthorizerDefinition, local: IdentityProvider | undefined) {
    this.#definition = definition;
    this.#local = local;
  }

  async check(authorization: string | undefined, scopes: string[]): Promise<JwtVerdict> {
    const token = authorization?.replace(/^Bearer\s+/i, '');
    if (!token) return { status: 401, reason: 'no token' };
    let claims: JWTPayload;
    try {
      const { issuer } = this.#definition;
      claims = (await jwtVerify(token, await this.#keySet(), { issuer, algorithms })).payload;
    } catch (error) {
      return { status: 401, reason: (error as Error).message };
    }
    if (!this.#isAudience(claims)) return { status: 401, reason: 'the token is for another audience' };
    const granted = String(claims['scope'] ?? claims['scp'] ?? '')
      .split(' ')
      .filter(Boolean);
    const missing = scopes.length > 0 && !scopes.some((scope) => granted.includes(scope));
    if (missing) return { status: 403, reason: 'insufficient_scope' };
    return { status: 200, jwt: { claims: asText(claims), scopes: scopes.length > 0 ? granted : null } };
  }

  #isAudience({ aud, client_id: clientId }: JWTPayload): boolean {
    const named = aud === undefined ? [clientId] : [aud].flat();
    return named.some((name) => this.#definition.audience.includes(String(name)));
  }

  /** The keys of the issuer, from its discovery document. A failed attempt is not cached. */
  #keySet(): Promise<JWTVerifyGetKey> {
    const { issuer } = this.#definition;
    if (this.#local) return Promise.resolve(createLocalJWKSet(this.#local.publicKeys));
    this.#keys ??= discoverKeys(issuer).catch((error: unknown) => {
      this.#keys = undefined;
      throw error;
    });
    return this.#keys;
  }
}

async function discoverKeys(issuer: string): Promise<JWTVerifyGetKey> {
  const response = await fetch(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
  if (!response.ok) throw new Error(`The issuer answered ${response.status} for its discovery document.`);
  const { jwks_uri: uri } = (await response.json()) as { jwks_uri: string };
  return createRemoteJWKSet(new URL(uri));
}

/** Converts claims to text, lists in brackets. */
function asText(claims: JWTPayload): Record<string, string> {
  const text = (value: unknown) =>
    Array.isArray(value) ? `[${value.join(' ')}]` : typeof value === 'object' ? JSON.stringify(value) : String(value);
  return Object.fromEntries(Object.entries(claims).map(([name, value]) => [name, text(value)]));
}
