import type { IncomingMessage, ServerResponse } from 'node:http';
import { sendJson } from '../services/replies.ts';

/** Refuses a request because of its token, as the JWT authorizer does. Only the challenge contains the reason. */
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

/** Replaces characters that a quoted header value cannot contain. */
function quotable(text: string): string {
  return text.replace(/[^\x20-\x7e]|["\\]/g, "'");
}
