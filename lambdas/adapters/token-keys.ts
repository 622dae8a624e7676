import { createRemoteJWKSet, errors, type JWTVerifyGetKey } from 'jose';
import { keySetMillis } from '../../protocol/timings.ts';

/** How many fetches tokens with unknown keys can cause one after the other. */
const fetchBurst = 3;

/**
 * The public keys of the identity provider at an address (a JWK set).
 *
 * A token whose key is not in the set causes a fetch at once, because the provider may have a new key. Many such tokens
 * cause {@link fetchBurst} fetches at once and then one every `keySetMillis.refetch`.
 *
 * @param clock Unix milliseconds.
 * @throws (from the returned function) `JWKSNoMatchingKey` for a key that the provider does not have,
 *   `JWKSMultipleMatchingKeys` for a token that does not say which of several keys signed it, and the error of a failed fetch.
 */
export function createTokenKeys(url: URL, clock: () => number = Date.now): JWTVerifyGetKey {
  const { fetchTimeout, refetch } = keySetMillis;
  const keys = createRemoteJWKSet(url, { timeoutDuration: fetchTimeout, cooldownDuration: Number.POSITIVE_INFINITY });
  const fetchAllowed = createAllowance(fetchBurst, refetch, clock);
  return async (header, token) => {
    try {
      return await keys(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      // A call during a fetch waits for the same fetch.
      if (!keys.reloading && !fetchAllowed()) throw error;
      await keys.reload();
      return keys(header, token);
    }
  };
}

/** A token bucket: allows `burst` times at once and one more after each `refillMillis`. */
function createAllowance(burst: number, refillMillis: number, clock: () => number): () => boolean {
  let left = burst;
  let countedAt = clock();
  return () => {
    const refills = Math.floor((clock() - countedAt) / refillMillis);
    if (refills > 0) {
      left = Math.min(burst, left + refills);
      countedAt += refills * refillMillis;
    }
    if (left === 0) return false;
    left -= 1;
    return true;
  };
}
