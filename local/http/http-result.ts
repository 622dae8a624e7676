import type { ServerResponse } from 'node:http';
import type { InvocationResult } from '../lambda/execution-environment.ts';
import { sendJson } from '../services/replies.ts';

/** A response in payload format 2.0. */
interface ProxyResponse {
  statusCode: number;
  headers?: Record<string, string | number | boolean>;
  cookies?: string[];
  body?: string;
  isBase64Encoded?: boolean;
}

/** Sends a function's answer as the HTTP response. Clients do not see details of its errors. */
export function sendResult(response: ServerResponse, { answer, error }: InvocationResult): void {
  if (error?.errorType === 'TooManyRequestsException') sendJson(response, 503, { message: 'Service Unavailable' });
  else if (error) sendJson(response, 500, { message: 'Internal Server Error' });
  else if (isProxyResponse(answer)) sendProxyResponse(response, answer);
  else sendPlain(response, answer);
}

function isProxyResponse(answer: unknown): answer is ProxyResponse {
  return typeof answer === 'object' && answer !== null && 'statusCode' in answer;
}

function sendProxyResponse(response: ServerResponse, answer: ProxyResponse): void {
  const body = Buffer.from(answer.body ?? '', answer.isBase64Encoded ? 'base64' : 'utf8');
  const given = Object.entries(answer.headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)]);
  response.writeHead(answer.statusCode, {
    'content-type': 'text/plain;charset=utf-8',
    ...Object.fromEntries(given),
    'content-length': String(body.length),
    ...(answer.cookies ? { 'set-cookie': answer.cookies } : {}),
  });
  response.end(body);
}

/** An answer without a status code becomes the JSON body of a 200. */
function sendPlain(response: ServerResponse, answer: unknown): void {
  const body = typeof answer === 'string' ? answer : JSON.stringify(answer);
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}
