import { createHash, randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An identity provider with the authorization code flow and PKCE. It signs in whoever comes, and answers only a correct proof. */
export class IdentityServer {
  readonly #server: Server;
  readonly #token: () => Promise<string>;
  readonly #started = new Map<string, { challenge: string; redirect: string }>();
  /** What the page sent to the endpoint for tokens. */
  readonly asked: URLSearchParams[] = [];

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
      if (url.pathname.startsWith('/.well-known')) response.end(JSON.stringify(made.#endpoints));
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
    const started = this.#started.get(asked.get('code') ?? '');
    const proof = createHash('sha256')
      .update(asked.get('code_verifier') ?? '')
      .digest('base64url');
    if (started?.challenge !== proof || started.redirect !== asked.get('redirect_uri')) return undefined;
    return { access_token: await this.#token(), token_type: 'Bearer', expires_in: 3600 };
  }
}
