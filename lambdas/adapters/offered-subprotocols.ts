/** The request headers of a handshake event. */
interface Handshake {
  headers?: Record<string, string | undefined> | null;
  multiValueHeaders?: Record<string, string[] | undefined> | null;
}

const headerName = 'sec-websocket-protocol';

/**
 * The subprotocols that a client offers, in its order. Several lines of the header mean the same as one line with commas
 * (RFC 6455, section 11.3.4). `headers` contains only the last line, so `multiValueHeaders` is used if it exists.
 */
export function offeredSubprotocols(event: Handshake): string[] {
  const lines = headerOf(event.multiValueHeaders) ?? [headerOf(event.headers) ?? ''];
  return lines
    .flatMap((line) => line.split(','))
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

function headerOf<T>(headers: Record<string, T | undefined> | null | undefined): T | undefined {
  return Object.entries(headers ?? {}).find(([name]) => name.toLowerCase() === headerName)?.[1];
}
