import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from 'jose';

export const issuer = 'https://identity.example/pool';
export const audience = 'client-1';

/** An identity provider of the test's own: it publishes one key and signs whatever the test asks for. */
export class TestIdentityProvider {
  /** Status the keys are answered with. */
  status = 200;
  requests = 0;
  #server!: Server;
  #keys!: Awaited<ReturnType<typeof generateKeyPair>>;

  async open(): Promise<string> {
    this.#keys = await generateKeyPair('RS256', { extractable: true });
    const jwk = { ...(await exportJWK(this.#keys.publicKey)), kid: 'key-1', alg: 'RS256', use: 'sig' };
    this.#server = createServer((_, response) => {
      this.requests += 1;
      response.writeHead(this.status, { 'content-type': 'application/json' }).end(JSON.stringify({ keys: [jwk] }));
    }).listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/keys`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** A token that is valid unless the changes make it wrong. */
  sign(
    changes: {
      claims?: JWTPayload;
      issuer?: string;
      audience?: string;
      expires?: string | number | null;
      kid?: string;
      alg?: string;
      key?: CryptoKey | Uint8Array;
    } = {},
  ): Promise<string> {
    const { claims = { sub: 'alice', name: 'Alice' }, alg = 'RS256', kid = 'key-1' } = changes;
    const token = new SignJWT(claims)
      .setProtectedHeader({ alg, kid })
      .setIssuer(changes.issuer ?? issuer)
      .setAudience(changes.audience ?? audience);
    if (changes.expires !== null) token.setExpirationTime(changes.expires ?? '5m');
    return token.sign(changes.key ?? this.#keys.privateKey);
  }

  /** The public key as text, which a careless verifier would take for a shared secret. */
  async publicText(): Promise<Uint8Array> {
    return new TextEncoder().encode(await exportSPKI(this.#keys.publicKey));
  }
}
