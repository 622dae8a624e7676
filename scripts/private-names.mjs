/**
 * Properties that only the inside of the client uses. The bundles give them short names, because a minifier by itself
 * cannot know which properties are private. None of these words may be part of a frame, of the public interface or of a
 * platform; `test/client/size.test.ts` checks the first two.
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
  'welcomed',
];

export const privateNames = new RegExp(`^(${names.join('|')})$`);
