import type { TextChange } from './script-book.ts';

/** Scripts that take a frame which a later one has overtaken. */
export const ignoredOrders: readonly (TextChange & { mistake: string; breaks: string })[] = [
  {
    mistake: 'the order of cursors is ignored',
    breaks: 'PR6',
    find: 'if turn < lastCursor then',
    replace: 'if false then',
  },
  {
    mistake: 'the order of statuses is ignored',
    breaks: 'PR6',
    find: 'if turn < lastStatus then',
    replace: 'if false then',
  },
  {
    mistake: 'an overtaken choice to be away outlasts user activity',
    breaks: 'PR6',
    find: "elseif status == 'away' and turn < lastActed then",
    replace: 'elseif false then',
  },
];

/** The order of joins and leaves is ignored. */
export const ignoredVersions: TextChange = {
  find: 'if isOutdated(key, version) then return true end',
  replace: '',
};
