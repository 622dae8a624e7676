import { PostSigner } from '../../lambdas/delivery/post-signer.ts';
import type { accessLogFields } from '../../lib/access-log.ts';

/** Session tokens of Lambda have about this many characters. */
const tokenCharacters = 1000;
/** The record of TLS around a request and around its answer. */
const tlsBytes = 2 * 29;
/** The answer of API Gateway: status, date, request id and lengths. */
const answerBytes = 230;

/** The bytes of a post on the wire, with the headers that the product signs, TLS and the answer. */
export function postWireBytes(frameBytes: number): number {
  const path = '/live/@connections/L0SM9cOFvHcCIhw%3D';
  const host = 'a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com';
  const headers = new PostSigner('eu-central-1').sign(
    { host, path, contentLength: Math.round(frameBytes), contentHash: '0'.repeat(64) },
    { accessKeyId: 'A'.repeat(20), secretAccessKey: 'x'.repeat(40), sessionToken: 'x'.repeat(tokenCharacters) },
    Date.UTC(2026, 10, 29),
  );
  // Each name is followed by its value; `: ` and the end of the line are four bytes.
  const headerBytes = headers.join('').length + 4 * (headers.length / 2) + 'connection: keep-alive\r\n\r\n'.length;
  return `POST ${path} HTTP/1.1\r\n`.length + headerBytes + frameBytes + tlsBytes + answerBytes;
}

/** The bytes of the access log line of a message. CloudWatch bills 26 more for each line. */
export function logLineBytes(): number {
  const values: Record<keyof typeof accessLogFields, string> = {
    requestId: 'WpHkZHDbliAEMMA=',
    time: '29/Nov/2026:10:09:08 +0000',
    eventType: 'MESSAGE',
    routeKey: 'cursor_update',
    connectionId: 'WpHkWdVGFiACJBQ=',
    status: '200',
    error: '-',
    integrationError: '-',
  };
  return JSON.stringify(values).length + 26;
}
