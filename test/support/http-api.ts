import { setTimeout as pause } from 'node:timers/promises';
import { timeLimits } from './time-limits.ts';

const retryMillis = 50;

/**
 * Reads a path of the HTTP API. The throttle of the stage (429) is not the subject of most tests, and on a busy machine a function
 * or a store may be too slow (503). So both are repeated as a client does; the last answer is returned when the time is over.
 */
export async function readHttp(stack: { http: string }, path: string, token?: string): Promise<Response> {
  const until = Date.now() + timeLimits.event;
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  for (;;) {
    const response = await fetch(`${stack.http}${path}`, { headers });
    if (Date.now() >= until || (response.status !== 429 && response.status !== 503)) return response;
    await response.body?.cancel();
    await pause(retryMillis);
  }
}
