import { inParallel } from '../platform/in-parallel.ts';
import { log } from '../platform/log.ts';
import { isAway } from '../platform/unavailable.ts';

/** How many announcements are sent at the same time. */
const atOnce = 50;

/** What to do with a claim that could not be announced. */
export interface FailedClaim {
  /** Gives the claim back, so that the next sweep tries again. */
  release(sessionId: string): Promise<void>;
  /** Sets the session aside for a while, so that it does not block the others. */
  setAside(sessionId: string, error: unknown): Promise<void>;
}

/**
 * Announces each of the claimed sessions, several at once. A failure is logged and costs the others nothing. If a
 * dependency is away, the next sweep tries again; after any other failure the session is set aside as well.
 *
 * @returns the sessions that were announced.
 */
export async function announceEach<S extends { sessionId: string }>(
  claimed: readonly S[],
  announce: (session: S) => Promise<void>,
  failed: FailedClaim,
): Promise<S[]> {
  const announced: S[] = [];
  await inParallel(claimed, atOnce, async (session) => {
    try {
      await announce(session);
      announced.push(session);
    } catch (error) {
      log.error(`Announcing the expiry of session ${session.sessionId} failed`, error as Error);
      await giveBack(session.sessionId, error, failed);
    }
  });
  return announced;
}

/** A claim that cannot be given back expires by itself. */
async function giveBack(sessionId: string, error: unknown, failed: FailedClaim): Promise<void> {
  try {
    if (!isAway(error)) await failed.setAside(sessionId, error);
    await failed.release(sessionId);
  } catch (failure) {
    log.error(`The claim on session ${sessionId} could not be given back`, failure as Error);
  }
}
