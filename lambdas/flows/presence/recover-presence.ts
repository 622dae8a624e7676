import { database } from '../../platform/database.ts';
import { inParallel } from '../../platform/in-parallel.ts';
import { logFailure } from '../../platform/log-failure.ts';
import { deadlines } from '../../services/presence.ts';
import { occupiedSessions } from '../../sessions/occupied-sessions.ts';
import { rebuildSession } from '../connections/rebuild-session.ts';
import { announce } from './announce.ts';

/** Sessions rebuilt at the same time. */
const parallelSessions = 50;

/**
 * Redis was away and is back: signs of life had nowhere to go, so nobody may be judged by the old ones. Every session
 * begins anew with who is connected (rule FA1).
 */
export async function recoverPresence(): Promise<void> {
  await relearnIndex(Date.now());
  await inParallel(await deadlines().all(), parallelSessions, bringBack);
}

/** Begins a session anew with who is connected, and tells what that changed. A failure is logged: a later one comes by. */
export async function bringBack(sessionId: string): Promise<void> {
  try {
    const outcome = await rebuildSession(sessionId, { onlyIfLost: false });
    if (outcome) await announce(sessionId, outcome);
  } catch (error) {
    logFailure('A session could not be rebuilt', error, { sessionId });
  }
}

/**
 * Where Redis, or a part of its cluster, lost its memory, the index of deadlines is gone with it. PostgreSQL knows where
 * somebody holds a place; each of these sessions is visited at once, which brings it back from the connection table. So
 * somebody who never sends another frame is still announced in time (rules FA2, PR12).
 */
export async function relearnIndex(now: number): Promise<void> {
  if (await deadlines().isWhole()) return;
  try {
    for await (const sessionIds of occupiedSessions(database())) {
      await Promise.all(sessionIds.map((sessionId) => deadlines().schedule(sessionId, now)));
    }
    await deadlines().markWhole();
  } catch (error) {
    logFailure('The index of deadlines is not whole yet; the next round tries again', error);
  }
}
