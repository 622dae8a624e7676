import { isAway } from '../presence/redis-failure.ts';
import { log } from '../runtime/log.ts';
import { deadlines } from '../runtime/presence.ts';
import type { SweepTime } from '../runtime/sweep.ts';
import { holdLease, releaseLease } from '../runtime/sweep-lease.ts';
import { timings } from '../runtime/timings.ts';
import { checkLiveness } from './housekeeping.ts';
import { recoverPresence, relearnIndex } from './recover-presence.ts';
import { writeSightings } from './sightings.ts';
import { visitDueSessions } from './visit-sessions.ts';

/** A schedule fires once a minute; inside it the sweep looks this often, for as long as anybody is present. */
export const tickMillis = Math.min(1000, Math.max(100, timings.offlineAfterMillis / 10));
/**
 * An environment may take Redis for away for a moment longer than the sweep does. Who joins through it meanwhile is not
 * seated, and would be said to have left with the last of their other connections: so everything is brought back twice.
 */
const doubtMillis = 2000;
/** Where liveness was made shorter than a minute, it is looked at within the minute, too. */
const quickLiveness = timings.livenessTimeoutMillis < 60_000;

/**
 * Visits what is due, again and again, until nobody is present, another sweep does it or the time is over. While Redis is
 * away it waits for it, so that somebody is there to bring the sessions back the moment it returns (rule FA1): also where
 * another sweep has taken the lease by then.
 */
export async function sweepPresence(time: SweepTime): Promise<void> {
  let [wasAway, isFirst] = [false, true];
  let againAt = Number.POSITIVE_INFINITY;
  let writing: Promise<void> | undefined;
  const write = (sighted: Parameters<typeof writeSightings>[0]) => {
    // A PostgreSQL that hangs must not hold up who is announced; the next round writes newer times anyway.
    writing ??= writeSightings(sighted).finally(() => (writing = undefined));
  };
  while (time.remaining() > tickMillis) {
    const started = Date.now();
    try {
      const holds = await holdLease();
      const isBack = wasAway || (holds && isFirst && (await nobodySwept(started)));
      // The sweep that has the lease may have begun after the outage, and know nothing of it.
      if (!holds && !isBack && againAt === Number.POSITIVE_INFINITY) break;
      if (isBack || started >= againAt) {
        await recoverPresence();
        againAt = isBack ? started + doubtMillis : Number.POSITIVE_INFINITY;
      }
      [wasAway, isFirst] = [false, false];
      if (holds) {
        await relearnIndex(started);
        write(await visitDueSessions(started));
        await deadlines().noteRound(started);
        if (quickLiveness) await checkLiveness();
        else if (!(await anybodyPresent())) break;
      }
    } catch (error) {
      if (!isAway(error)) throw error;
      if (!wasAway) log.warn('Redis is away; the sweep waits for it', error.cause as Error);
      wasAway = true;
    }
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, started + tickMillis - Date.now())));
  }
  await writing;
  if (!wasAway) await releaseLease();
}

/**
 * Whether people are present and no sweep was there for so long that Redis must have been away. This sweep is new and did
 * not see that; the one that did may not have come to it yet.
 */
async function nobodySwept(now: number): Promise<boolean> {
  const last = await deadlines().lastRound();
  return last !== undefined && now - last > timings.offlineAfterMillis / 2 && (await deadlines().size()) > 0;
}

/** Gives the lease back where nobody is, and looks again: who came in between trusted the lease they saw. */
async function anybodyPresent(): Promise<boolean> {
  if ((await deadlines().size()) > 0) return true;
  await releaseLease();
  return (await deadlines().size()) > 0;
}
