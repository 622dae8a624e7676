import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { gatewayId } from './identifiers.ts';

/** Whether a request is a WebSocket handshake that can be completed (RFC 6455, section 4.2.1). */
export function isUpgrade({ method, headers }: IncomingMessage): boolean {
  return (
    method === 'GET' &&
    headers.upgrade?.toLowerCase() === 'websocket' &&
    /^[+/0-9A-Za-z]{22}==$/.test(headers['sec-websocket-key'] ?? '') &&
    headers['sec-websocket-version'] === '13'
  );
}

/** Answers a handshake with a status other than 101 and closes the socket. */
export function refuseHandshake(socket: Duplex, status: number, message: string, connectionId?: string): void {
  const requestId = gatewayId();
  const body = JSON.stringify({ message, connectionId, requestId });
  socket.once('finish', () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Refused'}\r\n` +
      'Connection: close\r\nContent-Type: application/json\r\n' +
      `x-amzn-RequestId: ${requestId}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

/** The subprotocol in the headers of the `$connect` answer. */
export function subprotocolOf(headers: Record<string, unknown>): string | undefined {
  const chosen = Object.entries(headers).find(([name]) => name.toLowerCase() === 'sec-websocket-protocol');
  return chosen === undefined ? undefined : String(chosen[1]);
}
