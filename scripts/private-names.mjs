/**
 * Properties that only the client itself uses. The bundles give them short names, because a minifier does not know which
 * properties are private. None of these names may be part of a frame, of the public interface or of a platform API;
 * `test/client/size.test.ts` checks frames and interface.
 */
const names = [
  'confirmed',
  'cursorSent',
  'dispatch',
  'entered',
  'forHandshake',
  'forJoin',
  'hasFailed',
  'heardAt',
  'heartbeatIfDue',
  'isPendingOn',
  'learnTime',
  'moveCompact',
  'onLost',
  'onReply',
  'onSent',
  'publisher',
  'readiness',
  'refs',
  'refused',
  'rejectAll',
  'rejoin',
  'renew',
  'repeatable',
  'selfId',
  'serial',
  'stopAll',
  'succeed',
  'timedOut',
  'untold',
  'welcomed',
];

export const privateNames = new RegExp(`^(${names.join('|')})$`);
