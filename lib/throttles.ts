import { messagesPerSecondWithin } from '../protocol/unit-costs.ts';
import type { Throttle } from './settings.ts';

/** The limits of the WebSocket stage: those of single routes, and the one that all other routes share. */
export interface StageThrottles {
  stage: Throttle;
  routes: Readonly<Record<string, Throttle>>;
}

/** The parts of the received messages that the frequent routes may use. The rest is for joins and everything else. */
const shares = { cursor_update: 0.5, heartbeat: 0.15, presence_update: 0.1, broadcast: 0.05 } as const;

/**
 * The limits within a bound of the bill. API Gateway refuses what is over them and does not bill it, so clients cannot exceed the
 * bound, whatever they send. The frequent routes have limits of their own: a flood of cursors takes no messages from joins.
 *
 * @param throttle the limit of the stage without a bound.
 * @param maxDollarsPerHour the bound; undefined if there is none.
 */
export function throttlesWithin(throttle: Throttle, maxDollarsPerHour: number | undefined): StageThrottles {
  if (maxDollarsPerHour === undefined) return { stage: throttle, routes: {} };
  const all = Math.min(throttle.rateLimit, messagesPerSecondWithin(maxDollarsPerHour));
  const part = (share: number): Throttle => {
    const rateLimit = Math.max(1, Math.floor(all * share));
    return { rateLimit, burstLimit: Math.min(throttle.burstLimit, Math.max(10, 2 * rateLimit)) };
  };
  const rest = 1 - Object.values(shares).reduce((sum, share) => sum + share, 0);
  const routes = Object.fromEntries(Object.entries(shares).map(([route, share]) => [route, part(share)]));
  return { stage: part(rest), routes };
}
