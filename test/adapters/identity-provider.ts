import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from 'jose';

export const issuer = 'https://identity.example/pool';
export const audience = 'client-1';

/** Keys that are not for RS256. */
const otherAlgorithms: Record<string, string> = { 'key-es': 'ES256', 'key-ed': 'EdDSA', 'key-ps': 'PS256' };
const algorithmOf = (kid: string) => otherAlgorithms[kid] ?? 'RS256';

/** An identity provider of the test: it publishes keys and signs any token. */
export class TestIdentityProvider {
  /** The HTTP status of the answer with the keys. */
  status = 200;
  requests = 0;
  /** The names of the published keys; undefined for a key without a name. */
  published: string[] = ['key-1'];
  readonly #pairs = new Map<string, Awaited<ReturnType<typeof generateKeyPair>>>();
  #server!: Server;

  async open(): Promise<string> {
    await Promise.all(['key-1', 'key-2', 'key-3', ...Object.keys(otherAlgorithms)].map((kid) => this.#makeKey(kid)));
    this.#server = createServer(async (_, response) => {
      this.requests += 1;
      const keys = await Promise.all(this.published.map((kid) => this.#publicKey(kid)));
      response.writeHead(this.status, { 'content-type': 'application/json' }).end(JSON.stringify({ keys }));
    }).listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/keys`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #makeKey(kid: string): Promise<void> {
    this.#pairs.set(kid, await generateKeyPair(algorithmOf(kid), { extractable: true }));
  }

  async #publicKey(kid: string) {
    return { ...(await exportJWK(this.#pairs.get(kid)!.publicKey)), kid, alg: algorithmOf(kid), use: 'sig' };
  }

  /** A token that is valid unless the changes make it invalid. */
  sign(
    changes: {
      claims?: JWTPayload;
      issuer?: string;
      /** null: the token has no expiry. */
      audience?: string | null;
      expires?: string | number | null;
      /** The name of the key in the header; null: the header names no key. */
      kid?: string | null;
      /** The key that signs: `key-1` to `key-3`. */
      signer?: string;
      alg?: string;
      key?: CryptoKey | Uint8Array;
    } = {},
  ): Promise<string> {
    const { claims = { sub: 'alice', name: 'Alice' }, kid = 'key-1', signer = 'key-1' } = changes;
    const alg = changes.alg ?? algorithmOf(signer);
    const token = new SignJWT(claims)
      .setProtectedHeader({ alg, ...(kid === null ? {} : { kid }) })
      .setIssuer(changes.issuer ?? issuer);
    if (changes.audience !== null) token.setAudience(changes.audience ?? audience);
    if (changes.expires !== null) token.setExpirationTime(changes.expires ?? '5m');
    return token.sign(changes.key ?? this.#pairs.get(signer)!.privateKey);
  }

  /** The public key as text; a faulty verifier would use it as a shared secret. */
  async publicText(): Promise<Uint8Array> {
    return new TextEncoder().encode(await exportSPKI(this.#pairs.get('key-1')!.publicKey));
  }
}
