import { randomUUID } from 'node:crypto';
import { presenceKeys } from '../presence/keys.ts';
import { answered } from '../presence/redis-failure.ts';
import { redis } from './redis.ts';

/** A sweep that dies leaves the way free after this long. */
const leaseMillis = 3000;
/** One sweep at a time in one environment, so the environment is the holder. */
const holder = randomUUID();

const renewOrTake = `
local current = redis.call('GET', KEYS[1])
if current and current ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`;
const giveBack = `if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end return 1`;

/** Takes or renews the lease of the sweep; false while another sweep holds it. Two sweeps do no harm, only double work. */
export async function holdLease(): Promise<boolean> {
  return (
    (await answered(redis(), () => redis().eval(renewOrTake, 1, presenceKeys.sweepLease, holder, leaseMillis))) === 1
  );
}

/** Lets the next sweep begin at once. */
export async function releaseLease(): Promise<void> {
  await answered(redis(), () => redis().eval(giveBack, 1, presenceKeys.sweepLease, holder));
}
