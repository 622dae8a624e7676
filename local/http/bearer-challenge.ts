import type { IncomingMessage, ServerResponse } from 'node:http';
import { sendJson } from '../services/replies.ts';

/** Refuses a request for its token, in the words of the JWT authorizer. The reason goes into the challenge only. */
export function refuseToken(
  request: IncomingMessage,
  response: ServerResponse,
  status: 401 | 403,
  reason: string,
): void {
  request.resume();
  if (status === 403) {
    sendJson(response, 403, { message: 'Forbidden' });
    return;
  }
  const error = `Bearer error="invalid_token" error_description="${quotable(reason)}"`;
  const challenge = request.headers.authorization ? error : 'Bearer';
  sendJson(response, 401, { message: 'Unauthorized' }, { 'www-authenticate': challenge });
}

/** A text that fits into a quoted header value. */
function quotable(text: string): string {
  return text.replace(/[^\x20-\x7e]|["\\]/g, "'");
}
