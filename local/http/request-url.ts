import type { IncomingMessage } from 'node:http';

/**
 * Path and query of a request, read in one way at every door; the host is always `localhost`, whatever the request names.
 *
 * `//sessions` is a path with an empty first segment. `new URL('//sessions', base)` takes it for a host, and throws for `//`.
 * A target may also be a whole URL, of which only path and query count here (RFC 9112, section 3.2.2).
 */
export function requestUrl({ url = '/' }: IncomingMessage): URL {
  const target = url.replace(/^https?:\/\/[^/?#]*/i, '');
  return new URL(`http://localhost${target.startsWith('/') ? '' : '/'}${target}`);
}
