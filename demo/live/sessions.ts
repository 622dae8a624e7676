import type { Session } from '../../protocol/entities.ts';
import { RollcallError } from '../../protocol/errors.ts';

/**
 * The sessions that this user owns or takes part in, the newest first.
 *
 * @throws RollcallError `UNAVAILABLE` if they cannot be loaded now.
 */
export async function fetchSessions(token: string): Promise<Session[]> {
  const unavailable = (cause?: unknown) =>
    new RollcallError('UNAVAILABLE', 'Your sessions cannot be loaded now; reload the page in a moment.', { cause });
  const response = await fetch('/sessions?limit=20', { headers: { Authorization: `Bearer ${token}` } }).catch(
    (cause: unknown) => {
      throw unavailable(cause);
    },
  );
  if (!response.ok) throw unavailable();
  return ((await response.json()) as { items: Session[] }).items;
}
