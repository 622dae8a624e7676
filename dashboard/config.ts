/** How this build gets tokens. `local`: from the local stack; `oidc`: from an identity provider; `paste`: the operator pastes one. */
export type SignIn =
  | { kind: 'local' }
  | { kind: 'paste' }
  | { kind: 'oidc'; issuer: string; clientId: string; scope: string };

/** `config.json` beside the page. Addresses may be relative to the page. */
export interface Config {
  /** The WebSocket API. */
  socketUrl: string;
  /** The HTTP API. */
  httpUrl: string;
  signIn: SignIn;
}

/**
 * Reads `config.json` beside the page.
 *
 * @throws Error with one sentence if it is missing or incomplete.
 */
export async function readConfig(): Promise<Config> {
  const reply = await fetch('./config.json', { cache: 'no-cache' });
  if (!reply.ok)
    throw new Error('The file config.json beside this page is missing; run npm run build:dashboard again.');
  const { socketUrl, httpUrl, signIn } = (await reply.json()) as Partial<Config>;
  if (!socketUrl || !httpUrl || !signIn) {
    throw new Error('The file config.json needs socketUrl, httpUrl and signIn; run npm run build:dashboard again.');
  }
  const socket = new URL(socketUrl, location.href);
  socket.protocol = socket.protocol.replace('http', 'ws');
  return { socketUrl: socket.href, httpUrl: new URL(httpUrl, location.href).href.replace(/\/$/, ''), signIn };
}
