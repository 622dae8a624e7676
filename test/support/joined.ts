import type { Session } from '../../client/index.ts';

/**
 * Waits until the client has joined the session. On a busy machine its first ten seconds may not be enough; then the client goes on
 * trying, and `ready` is another promise.
 */
export function joined(session: Session): Promise<void> {
  return session.ready.catch(() => session.ready);
}
