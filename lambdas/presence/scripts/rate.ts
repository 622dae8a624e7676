import { limits } from '../../../protocol/limits.ts';

/** Milliseconds between two frames that are on time. */
export const spacing = 1000 / limits.messagesPerSecond;
/** How far ahead of time a connection may run: its burst. */
export const ahead = spacing * (limits.messageBurst - 1);

/**
 * Lua that reads a number and what stands behind it, apart by a space: a connection's frames keep the numbers of the last
 * ones there (rule PR18).
 */
export const splitRate = `
local function splitRate(stored)
  local space = string.find(stored, ' ', 1, true)
  if not space then return tonumber(stored), '' end
  return tonumber(string.sub(stored, 1, space - 1)), string.sub(stored, space)
end
`;

/**
 * Lua that counts a frame of `connectionId` at the time `now` against its limit and answers `{ 'limited', millis }` from
 * its script where there were too many. It is the generic cell rate algorithm: one number per connection says when its
 * next frame would be on time.
 *
 * @param read Lua expression for the stored number.
 * @param write Lua statement that stores `nextOnTime`.
 */
export function limitRate(read: string, write: string): string {
  return `
local onTime = math.max(now, tonumber(${read} or '0'))
if onTime - now > ${ahead} then return { 'limited', math.ceil(onTime - now - ${ahead}) } end
local nextOnTime = onTime + ${spacing}
${write}
`;
}
