import address from './address.lua';
import changeRole from './change-role.lua';
import checkKnown from './check-known.lua';
import close from './close.lua';
import { declarations, declareConstants, ownDeclarations } from './compose.ts';
import cursorFastPath from './cursor-fast-path.lua';
import flush from './flush.lua';
import join from './join.lua';
import keepAlive from './keep-alive.lua';
import keepWatch from './keep-watch.lua';
import leave from './leave.lua';
import list from './list.lua';
import noteFailedPosts from './note-failed-posts.lua';
import rateLimit from './rate-limit.lua';
import removeFromSession from './remove-from-session.lua';
import restore from './restore.lua';
import { type PresenceScript, rateConstantsOf } from './script-table.ts';
import agents from './shared/agents.lua';
import changes from './shared/changes.lua';
import connections from './shared/connections.lua';
import cursorReceivers from './shared/cursor-receivers.lua';
import dataOrder from './shared/data-order.lua';
import epoch from './shared/epoch.lua';
import frameCount from './shared/frame-count.lua';
import frameOrder from './shared/frame-order.lua';
import hidden from './shared/hidden.lua';
import integrity from './shared/integrity.lua';
import keys from './shared/keys.lua';
import leaves from './shared/leaves.lua';
import membershipOrder from './shared/membership-order.lua';
import personData from './shared/person-data.lua';
import rate from './shared/rate.lua';
import recordParsing from './shared/record-parsing.lua';
import records from './shared/records.lua';
import reply from './shared/reply.lua';
import restraint from './shared/restraint.lua';
import seatedUser from './shared/seated-user.lua';
import spending from './shared/spending.lua';
import state from './shared/state.lua';
import userRecords from './shared/user-records.lua';
import users from './shared/users.lua';
import windows from './shared/windows.lua';
import touch from './touch.lua';
import visit from './visit.lua';
import yieldSlot from './yield-slot.lua';

/** A Lua file with its path below the project, so that a tool can show the file and line of a composed script. */
export interface Piece {
  file: string;
  text: string;
}

const folder = 'lambdas/presence/scripts';
const piece = (name: string, text: string): Piece => ({ file: `${folder}/${name}.lua`, text });
/** Lua text that is made from the tables of names has no file. */
export const declared = (text: string): Piece => ({ file: '<declarations>', text });
const shared = (name: string, text: string) => piece(`shared/${name}`, text);

/** The cursor fast path and the pieces that it needs. */
const first: readonly Piece[] = [
  shared('keys', keys),
  shared('records', records),
  shared('record-parsing', recordParsing),
  shared('rate', rate),
  shared('frame-order', frameOrder),
];
const fastPath = piece('cursor-fast-path', cursorFastPath);
/** Helpers of the general path. Each may use the ones before it. */
const helpers: readonly Piece[] = [
  shared('state', state),
  shared('hidden', hidden),
  shared('user-records', userRecords),
  shared('person-data', personData),
  shared('users', users),
  shared('connections', connections),
  shared('epoch', epoch),
  shared('integrity', integrity),
  shared('spending', spending),
  shared('windows', windows),
  shared('changes', changes),
  shared('cursor-receivers', cursorReceivers),
  shared('reply', reply),
  shared('frame-count', frameCount),
];
/**
 * Further helpers, for the scripts that use them. A script that runs for each frame does not contain them, because Lua
 * takes time to create a function, and more time if the function uses many local variables.
 */
const ends = shared('leaves', leaves);
const leases = shared('agents', agents);
const order = shared('membership-order', membershipOrder);
const seat = shared('seated-user', seatedUser);
const restrained = shared('restraint', restraint);
/** The scripts that every runner of scripts defines. Rare scripts are in files of their own, so that no frame loads them. */
type QuickScript = Exclude<PresenceScript, 'takeOver' | 'publish' | 'renewAgent'>;
const moreHelpers: Partial<Record<PresenceScript, readonly Piece[]>> = {
  touch: [seat, shared('data-order', dataOrder)],
  address: [seat],
  join: [ends, order, leases],
  renewAgent: [seat, leases],
  leave: [ends, order],
  list: [ends],
  visit: [ends, restrained],
  keepWatch: [restrained],
  removeFromSession: [ends, order],
  takeOver: [ends],
  restore: [ends, order, leases],
};

const bodies: Readonly<Record<QuickScript, Piece>> = {
  touch: piece('touch', touch),
  keepAlive: piece('keep-alive', keepAlive),
  address: piece('address', address),
  flush: piece('flush', flush),
  noteFailedPosts: piece('note-failed-posts', noteFailedPosts),
  join: piece('join', join),
  leave: piece('leave', leave),
  close: piece('close', close),
  list: piece('list', list),
  visit: piece('visit', visit),
  keepWatch: piece('keep-watch', keepWatch),
  removeFromSession: piece('remove-from-session', removeFromSession),
  changeRole: piece('change-role', changeRole),
  checkKnown: piece('check-known', checkKnown),
  yieldSlot: piece('yield-slot', yieldSlot),
  restore: piece('restore', restore),
};

/** The pieces of a script in their order, declarations included. */
export function piecesOf(script: QuickScript): readonly Piece[];
/** The same for a script whose body is in a file of its own. */
export function piecesOf(script: PresenceScript, body: Piece): readonly Piece[];
export function piecesOf(script: PresenceScript, body = bodies[script as QuickScript]): readonly Piece[] {
  const [common, own] = [declared(declarations(script)), declared(ownDeclarations(script))];
  const general = [...helpers, ...(moreHelpers[script] ?? [])];
  if (script === 'touch') return [common, ...first, own, fastPath, ...general, body];
  return [common, ...first, ...general, own, body];
}

/** The text of a script. */
export function textOf(pieces: readonly Piece[]): string {
  return pieces.map(({ text }) => text).join('\n');
}

/** The Lua text of each presence script. */
export const presenceScripts = Object.fromEntries(
  (Object.keys(bodies) as QuickScript[]).map((script) => [script, textOf(piecesOf(script))]),
) as Readonly<Record<QuickScript, string>>;

/** The pieces of the script that counts messages that are not about presence. */
export const rateLimitPieces = (constants: Record<string, number>): readonly Piece[] => [
  declared(declareConstants(constants)),
  shared('rate', rate),
  piece('rate-limit', rateLimit),
];

/** The script `rate-limit` for a rate. Its key is the counter of the sender, its argument the time. */
export const rateScript = (allowed: { perSecond: number; burst: number }) =>
  textOf(rateLimitPieces(rateConstantsOf(allowed)));

/** The name of a script as a Redis command. It has a prefix, because Redis has commands of its own with some of these names. */
export function commandName(script: string): string {
  return `presence_${script}`;
}
