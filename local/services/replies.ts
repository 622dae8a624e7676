import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * Reads a request's body.
 *
 * @throws RangeError if the body is longer than the limit; the rest is not read. Error if the request is aborted.
 */
export function readBody(request: IncomingMessage, limitBytes = 8 * 1024 * 1024): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  // All posts use this function, so it avoids the stream's iterator with its promise for each chunk.
  return new Promise((resolve, reject) => {
    const take = (chunk: Buffer) => {
      length += chunk.length;
      if (length <= limitBytes) return void chunks.push(chunk);
      request.off('data', take);
      request.pause();
      reject(new RangeError(`The body is longer than ${limitBytes} bytes.`));
    };
    request.on('data', take);
    request.once('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
    request.once('error', reject);
    // All requests emit `close`, so the error is created only for an incomplete one.
    request.once('close', () => request.complete || reject(new Error('The request was aborted.')));
  });
}

export function sendJson(
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: Record<string, string> = {},
): void {
  const body = JSON.stringify(value);
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
    ...headers,
  });
  response.end(body);
}

/** An error in the form the AWS clients parse. */
export function sendAwsError(response: ServerResponse, status: number, type: string, message: string): void {
  sendJson(response, status, { __type: type, message }, { 'x-amzn-ErrorType': type });
}
