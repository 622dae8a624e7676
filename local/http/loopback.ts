import type { IncomingMessage } from 'node:http';

/**
 * Whether a request may use the developer paths. The `Host` must be this machine: otherwise a web page could reach them
 * by DNS rebinding. A page of another origin may not write.
 */
export function isFromDeveloper({ headers, method }: IncomingMessage): boolean {
  const host = headers.host ?? '';
  if (!/^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/i.test(host)) return false;
  if (method === 'GET' || headers.origin === undefined) return true;
  return headers.origin === `http://${host}`;
}

/** Whether an `Origin` is a page that this machine serves, on any port. */
export function isPageOfThisMachine(origin: string): boolean {
  return /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i.test(origin);
}
