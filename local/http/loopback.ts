import type { IncomingMessage } from 'node:http';

/**
 * Whether a request may use the paths that exist for developers only. The `Host` must be this machine (a foreign name
 * that resolves to it is how a web page would get here), and a page of another origin may not write.
 */
export function isFromDeveloper({ headers, method }: IncomingMessage): boolean {
  const host = headers.host ?? '';
  if (!/^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/i.test(host)) return false;
  if (method === 'GET' || headers.origin === undefined) return true;
  return headers.origin === `http://${host}`;
}
