import { names } from './names.ts';
import { prelude } from './prelude.ts';
import { limitRate } from './rate.ts';
import { wholeness } from './wholeness.ts';
import { windows } from './windows.ts';

const helpers = `${prelude}${wholeness}${windows}`;

/** What the scripts begin with; those of their own follow, with their arguments named at the top of each. */
export const begin = `${names}${helpers}`;

export const refuseUnknown = `
if redis.call('HEXISTS', epochKey, 'epoch') == 0 then return { 'unknown' } end
`;

/** How long the position of a join or leave is kept, milliseconds: a Lambda function runs for 30 seconds at most here. */
const seatOrderMillis = 60_000;

/** The same for scripts that speak of what is there: a session that Redis forgot must be brought back before. */
export const beginKnown = `${begin}${refuseUnknown}`;

/** The same for a script that has a short way for what comes most often, which needs none of the helpers. */
export const beginKnownAfter = (shortWay: string) => `${names}${shortWay}${helpers}${refuseUnknown}`;

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
  'stored',
  "if redis.call('HSET', ratesKey, connectionId, nextOnTime .. frameOrders) == 1 then keeps = true end",
);

/**
 * A connection's frames about one session are counted beside it, so that it costs no round trip of its own. People whom a
 * service makes present without a connection have no limit: they would share it.
 *
 * @param decide Lua statement that may renew `frameOrders`, the numbers that stand behind the rate.
 */
export const limitFrames = (decide = '') => `
if connectionId ~= '' then
local stored, frameOrders = splitRate(redis.call('HGET', ratesKey, connectionId) or '0')
${decide}
${countFrame}
end
`;

/**
 * Joins and leaves of one connection may be served in another order than they were sent (rule PR18). The position of the
 * last one that was applied is kept for longer than an invocation can last.
 */
export const orderSeats = `
local function isOvertaken(connectionId, receivedAt, order)
  if connectionId == '' or receivedAt == '' then return false end
  local key = recordPrefix .. 'order:' .. connectionId
  local lastReceived, lastOrder = string.match(redis.call('GET', key) or '', '^(%S+) ?(%S*)$')
  if lastReceived then
    local isNumbered = order ~= '' and lastOrder ~= ''
    local mine, last = isNumbered and order or receivedAt, isNumbered and lastOrder or lastReceived
    if tonumber(mine) < tonumber(last) then return true end
  end
  redis.call('SET', key, order == '' and receivedAt or receivedAt .. ' ' .. order, 'PX', ${seatOrderMillis})
  return false
end
`;
