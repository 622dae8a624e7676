import { createHash, randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * An identity provider with the authorization code flow and PKCE. It signs in whoever comes, and answers only a correct proof. A refresh
 * token is accepted once: if it comes again, the sign-in ends, as RFC 9700 asks.
 */
export class IdentityServer {
  readonly #server: Server;
  readonly #token: () => Promise<string>;
  readonly #started = new Map<string, { challenge: string; redirect: string }>();
  /** The refresh token that is accepted next. */
  #refresh: string | undefined;
  /** What the page sent to the endpoint for tokens. */
  readonly asked: URLSearchParams[] = [];
  /** How long an access token is valid, in seconds, as the answers say. */
  expiresIn = 3600;
  /** Whether answers have a refresh token. */
  refreshes = false;
  /** Whether it answers every request with 503. */
  isAway = false;
  /** Whether a refresh token came twice. */
  wasReused = false;

  private constructor(server: Server, token: () => Promise<string>) {
    this.#server = server;
    this.#token = token;
  }

  /** @param token makes the access token of a sign-in. */
  static async start(token: () => Promise<string>): Promise<IdentityServer> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const made = new IdentityServer(server, token);
    server.on('request', (request, response) => {
      const url = new URL(request.url!, made.issuer);
      response.setHeader('Access-Control-Allow-Origin', '*');
      if (made.isAway) response.writeHead(503).end();
      else if (url.pathname.startsWith('/.well-known')) response.end(JSON.stringify(made.#endpoints));
      else if (url.pathname === '/authorize') response.writeHead(302, { Location: made.#signedIn(url) }).end();
      else {
        request.setEncoding('utf8');
        let body = '';
        request.on('data', (part) => {
          body += part;
        });
        request.on('end', () => {
          void made.#exchange(new URLSearchParams(body)).then((answer) => {
            response.writeHead(answer ? 200 : 400).end(JSON.stringify(answer ?? { error: 'invalid_grant' }));
          });
        });
      }
    });
    return made;
  }

  get issuer(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): Promise<unknown> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(resolve));
  }

  get #endpoints() {
    return { authorization_endpoint: `${this.issuer}/authorize`, token_endpoint: `${this.issuer}/token` };
  }

  #signedIn({ searchParams: asked }: URL): string {
    const code = randomUUID();
    const back = new URL(asked.get('redirect_uri')!);
    this.#started.set(code, { challenge: asked.get('code_challenge')!, redirect: back.href });
    back.searchParams.set('code', code);
    back.searchParams.set('state', asked.get('state')!);
    return back.href;
  }

  async #exchange(asked: URLSearchParams): Promise<object | undefined> {
    this.asked.push(asked);
    return asked.get('grant_type') === 'refresh_token' ? this.#renew(asked) : this.#redeem(asked);
  }

  async #redeem(asked: URLSearchParams): Promise<object | undefined> {
    const started = this.#started.get(asked.get('code') ?? '');
    const proof = createHash('sha256')
      .update(asked.get('code_verifier') ?? '')
      .digest('base64url');
    if (started?.challenge !== proof || started.redirect !== asked.get('redirect_uri')) return undefined;
    return this.#tokens();
  }

  async #renew(asked: URLSearchParams): Promise<object | undefined> {
    const isAccepted = this.#refresh !== undefined && asked.get('refresh_token') === this.#refresh;
    if (!isAccepted) this.wasReused = true;
    this.#refresh = undefined;
    return isAccepted ? this.#tokens() : undefined;
  }

  /** Ends the sign-in: no refresh token is accepted any more. */
  revoke(): void {
    this.#refresh = undefined;
  }

  async #tokens(): Promise<object> {
    if (this.refreshes) this.#refresh = randomUUID();
    return {
      ...{ access_token: await this.#token(), token_type: 'Bearer', expires_in: this.expiresIn },
      ...(this.refreshes && { refresh_token: this.#refresh }),
    };
  }
}
