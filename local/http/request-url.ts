import type { IncomingMessage } from 'node:http';

/**
 * Path and query of a request. All gateways use this function, so they parse alike. The host is always `localhost`,
 * whatever the request contains.
 *
 * `//sessions` is a path with an empty first segment. `new URL('//sessions', base)` takes it as a host, and throws for
 * `//`. A target may also be an absolute URL; only its path and query are used (RFC 9112, section 3.2.2).
 */
export function requestUrl({ url = '/' }: IncomingMessage): URL {
  const target = url.replace(/^https?:\/\/[^/?#]*/i, '');
  return new URL(`http://localhost${target.startsWith('/') ? '' : '/'}${target}`);
}
