import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AccessClaim } from '../../protocol/access-claim.ts';
import { readAccessClaim } from '../../protocol/read-access-claim.ts';
import type { Faults } from '../faults.ts';
import type { IdentityProvider } from '../identity/identity-provider.ts';
import type { Schedules } from '../schedules/schedules.ts';
import { readBody, sendJson } from '../services/replies.ts';
import { isFromDeveloper, isPageOfThisMachine } from './loopback.ts';
import { requestUrl } from './request-url.ts';

export interface DeveloperPathsOptions {
  identity: IdentityProvider;
  /** Whether the stack trusts the local provider. If not, no tokens are issued. */
  trusted: boolean;
  schedules: Schedules;
  faults: Faults;
}

const tokenPath = '/dev/token';

type Answer = (url: URL, request: IncomingMessage) => Promise<[status: number, body: unknown]>;

/** Paths of the local stack only: tokens, keys, firing schedules, faults. */
export class DeveloperPaths {
  readonly #answers: Record<string, Answer>;

  constructor({ identity, trusted, schedules, faults }: DeveloperPathsOptions) {
    this.#answers = {
      'GET /.well-known/jwks.json': async () => [200, identity.publicKeys],
      'GET /.well-known/openid-configuration': async (_, request) => [200, discovery(identity, request.headers.host!)],
      [`GET ${tokenPath}`]: (url) => issueToken(identity, trusted, url),
      'POST /dev/fire': (url) => fire(schedules, url),
      'GET /dev/faults': async () => [200, faults.settings],
      'POST /dev/faults': (_, request) => setFaults(faults, request),
    };
  }

  /** @returns false if the path is none of these. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    const url = requestUrl(request);
    const answer = this.#answers[`${request.method} ${url.pathname}`];
    if (!answer) return false;
    if (!isFromDeveloper(request)) {
      sendJson(response, 403, { message: 'This path answers requests from this machine only.' });
      return true;
    }
    const [status, body] = await answer(url, request);
    const cors = url.pathname === tokenPath ? tokenHeaders(request) : {};
    sendJson(response, status, body, { 'Cache-Control': 'no-store', ...cors });
    return true;
  }
}

function discovery({ settings }: IdentityProvider, host: string): Record<string, unknown> {
  return {
    issuer: settings.issuer,
    jwks_uri: `http://${host}/.well-known/jwks.json`,
    id_token_signing_alg_values_supported: ['RS256'],
  };
}

async function issueToken(identity: IdentityProvider, trusted: boolean, url: URL): Promise<[number, unknown]> {
  const user = url.searchParams.get('user')?.trim();
  if (!trusted) {
    return [404, { message: 'JWKS_URI names another identity provider; get a token there.' }];
  }
  if (!user) return [400, { message: 'The user is missing; write /dev/token?user=alice&name=Alice' }];
  const sessions = accessIn(url);
  if (typeof sessions === 'string') {
    return [400, { message: `The parameter "sessions" ${sessions}; write &sessions={"doc-42":"operator"}, encoded.` }];
  }
  const admin = ['1', 'true'].includes(url.searchParams.get('admin') ?? '');
  const name = url.searchParams.get('name') ?? user;
  return [200, await identity.issue({ subject: user, name, admin, sessions }, Date.now())];
}

/** The requested access claim, or what is wrong with it. */
function accessIn(url: URL): AccessClaim | string | undefined {
  const text = url.searchParams.get('sessions');
  if (text === null) return undefined;
  try {
    const read = readAccessClaim({ sessions: JSON.parse(text) });
    return 'sessions' in read ? read.sessions : read.problem;
  } catch (error) {
    if (error instanceof SyntaxError) return 'must be JSON';
    throw error;
  }
}

/** Lets pages of this machine read the answer, whatever port a development server gives them; no other page may. */
function tokenHeaders({ headers: { origin } }: IncomingMessage): Record<string, string> {
  if (origin === undefined || !isPageOfThisMachine(origin)) return { Vary: 'Origin' };
  return { Vary: 'Origin', 'Access-Control-Allow-Origin': origin };
}

async function fire(schedules: Schedules, url: URL): Promise<[number, unknown]> {
  const name = url.searchParams.get('schedule') ?? '';
  const schedule = schedules.find(name);
  if (!schedule) return [404, { message: `There is no schedule "${name}"; use ${schedules.names.join(', ')}.` }];
  return [200, { schedule: schedule.name, runs: await schedules.fire(schedule) }];
}

async function setFaults(faults: Faults, request: IncomingMessage): Promise<[number, unknown]> {
  try {
    faults.set(JSON.parse((await readBody(request)).toString() || '{}'));
  } catch (error) {
    return [400, { message: (error as Error).message }];
  }
  return [200, faults.settings];
}
