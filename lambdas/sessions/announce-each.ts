import { inParallel } from '../platform/in-parallel.ts';
import { log } from '../platform/log.ts';

/** How many announcements are on their way at once. */
const atOnce = 10;

/**
 * Announces each of the claimed sessions, several at once; a failure is logged, costs the others nothing and gives its
 * claim back, so that the next sweep tries again.
 *
 * @returns how many were announced.
 */
export async function announceEach<S extends { sessionId: string }>(
  claimed: readonly S[],
  announce: (session: S) => Promise<void>,
  release: (sessionId: string) => Promise<void>,
): Promise<number> {
  let announced = 0;
  await inParallel(claimed, atOnce, async (session) => {
    try {
      await announce(session);
      announced += 1;
    } catch (error) {
      log.error(`Announcing the expiry of session ${session.sessionId} failed`, error as Error);
      await release(session.sessionId);
    }
  });
  return announced;
}
