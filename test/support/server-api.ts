import { setTimeout as pause } from 'node:timers/promises';
import { tokenOf } from './client.ts';
import { timeLimits } from './time-limits.ts';

/** An answer of the HTTP API. */
export interface ServerAnswer {
  status: number;
  headers: Headers;
  body: Record<string, unknown>;
}

export interface ServerRequestOptions {
  /** The key or the token; undefined for a request without one. */
  as?: string | undefined;
  body?: unknown;
  headers?: Record<string, string>;
}

const retryMillis = 100;

/** Sends one request to the HTTP API of a stack, with a key or a token. */
export async function callOnce(
  stack: { http: string },
  route: string,
  { as, body, headers = {} }: ServerRequestOptions = {},
): Promise<ServerAnswer> {
  const [method, path] = route.split(' ') as [string, string];
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(`${stack.http}${path}`, {
    method,
    headers: {
      ...(as === undefined ? {} : { authorization: `Bearer ${as}` }),
      'content-type': 'application/json',
      ...headers,
    },
    ...(text === undefined ? {} : { body: text as string }),
  });
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  };
}

/** The same, repeated as a program does while the API is throttled or a store is too slow on a busy machine. */
export async function call(
  stack: { http: string },
  route: string,
  options: ServerRequestOptions = {},
): Promise<ServerAnswer> {
  const until = Date.now() + timeLimits.event;
  for (;;) {
    const answer = await callOnce(stack, route, options);
    const isThrottled = answer.status === 429 && answer.body['code'] === undefined;
    if (Date.now() >= until || (!isThrottled && answer.status !== 503)) return answer;
    await pause(retryMillis);
  }
}

/** The request for an agent of a session. */
export const agentRoute = (method: string, sessionId: string, agentId: string) =>
  `${method} /server/sessions/${sessionId}/agents/${encodeURIComponent(agentId)}`;

export interface Agent {
  agentId: string;
  userId: string;
  leaseUntil: number;
  joined: boolean;
}

/** The agent of an answer. @throws Error if the request failed. */
export function agentOf({ status, body }: ServerAnswer): Agent {
  if (status !== 200) throw new Error(`The agent was not set: ${JSON.stringify(body)}`);
  return body['agent'] as Agent;
}

/** Creates a key as an administrator, and returns its secret and id. */
export async function createKey(
  stack: { http: string },
  scopes: string[],
  more: Record<string, unknown> = {},
): Promise<{ secret: string; id: string }> {
  const { token } = await tokenOf(stack, 'root', { admin: true });
  const { status, body } = await call(stack, 'POST /service/keys', {
    as: token,
    body: { name: 'Test', scopes, ...more },
  });
  if (status !== 201) throw new Error(`The key was not created: ${JSON.stringify(body)}`);
  return { secret: body['secret'] as string, id: (body['key'] as { id: string }).id };
}
