import type { RateLimit, StageDefinition } from '../template/websocket-api.ts';

/** A token bucket as in API Gateway: tokens are refilled at the rate, up to the burst, and each request takes one. */
export class TokenBucket {
  readonly #limit: RateLimit;
  #tokens: number;
  #refilledAt: number;

  constructor(limit: RateLimit, now: number) {
    this.#limit = limit;
    this.#tokens = limit.burst;
    this.#refilledAt = now;
  }

  take(now: number): boolean {
    const refill = ((now - this.#refilledAt) / 1000) * this.#limit.rate;
    this.#tokens = Math.min(this.#limit.burst, this.#tokens + refill);
    this.#refilledAt = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}

/** Returns a function that tells whether a request on a route may pass. Without limits, all requests pass. */
export function createThrottle(stage: StageDefinition): (routeKey: string, now: number) => boolean {
  const buckets = new Map<string, TokenBucket>();
  return (routeKey, now) => {
    const own = stage.routeLimits.get(routeKey);
    const limit = own ?? stage.limit;
    if (!limit) return true;
    const name = own ? routeKey : '';
    const bucket = buckets.get(name) ?? new TokenBucket(limit, now);
    buckets.set(name, bucket);
    return bucket.take(now);
  };
}
