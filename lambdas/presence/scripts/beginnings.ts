import { names } from './names.ts';
import { prelude } from './prelude.ts';
import { limitRate } from './rate.ts';
import { parsing, personData, records } from './records.ts';
import { connectionEnds, turns } from './turns.ts';
import { wholeness } from './wholeness.ts';
import { windows } from './windows.ts';

const helpers = `${connectionEnds}${records}${personData}${prelude}${wholeness}${windows}`;

/** What the scripts begin with; those of their own follow, with their arguments named at the top of each. */
export const begin = `${names}${parsing}${turns}${helpers}`;

const refuseUnknown = `
if redis.call('HEXISTS', epochKey, 'epoch') == 0 then return { 'unknown' } end
`;

/** The same for scripts that speak of what is there: a session that Redis forgot must be brought back before. */
export const beginKnown = `${begin}${refuseUnknown}`;

/** The same for a script that has a short way for what comes most often, which needs none of the helpers. */
export const beginKnownAfter = (shortWay: string) => `${names}${parsing}${turns}${shortWay}${helpers}${refuseUnknown}`;

/** A session of which Redis evicted a part is unknown, too, and stays so until it is brought back. */
export const refuseTorn = `
if isTorn() then
  giveUp()
  return { 'unknown' }
end
`;

/** The same for scripts that may change who is there. */
export const beginWhole = `${beginKnown}${refuseTorn}
reseats = true
`;

/** For scripts that run with every frame, or several times a second. */
export const keepRarely = `
keeps = false
`;

const countFrame = limitRate(
  "redis.call('HGET', ratesKey, connectionId)",
  "if redis.call('HSET', ratesKey, connectionId, nextOnTime) == 1 then keeps = true end",
);

/**
 * A connection's frames about one session are counted beside it, so that it costs no round trip of its own. People whom a
 * service makes present without a connection have no limit: they would share it.
 */
export const limitFrames = `
if connectionId ~= '' then
${countFrame}
end
`;
