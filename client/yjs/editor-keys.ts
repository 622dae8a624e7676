import type { Session } from '../session-api.ts';

/** The item of the session storage of this tab, which outlives a reload. */
const item = 'rollcall-yjs';
/** The keys of the editors that are open in this page. */
const open = new WeakMap<Session, Set<string>>();
/** The keys of the editors in the pages that this tab showed before. */
const earlier = new Set<string>();

/**
 * Notes that an editor is open in this page.
 *
 * @returns `isMine`: whether a key is that of an editor that is open in this page; `isPast`: whether it is that of an editor that
 *   ended with an earlier page of this tab; `end` notes that the editor was closed.
 */
export function openEditor(session: Session, key: string) {
  const keys = open.get(session) ?? new Set();
  open.set(session, keys.add(key));
  collect();

  /**
   * Only a page that ends stores its keys. A tab that the user duplicates gets a copy of the storage, and must not remove the keys
   * of an open page. A page that returns from the back-forward cache is open again.
   */
  const onHide = () => replace((stored) => [...stored, key]);
  globalThis.addEventListener?.('pagehide', onHide);
  globalThis.addEventListener?.('pageshow', collect);
  return {
    isMine: (other: string) => keys.has(other),
    isPast: (other: string) => earlier.has(other),
    end() {
      keys.delete(key);
      globalThis.removeEventListener?.('pagehide', onHide);
    },
  };
}

/** Moves the keys from the storage to `earlier`. */
function collect(): void {
  replace((stored) => {
    for (const key of stored) earlier.add(key);
    return [];
  });
}

/** Replaces the stored keys. Does nothing if the page may not use the storage, or if there is none. */
function replace(change: (stored: string[]) => string[]): void {
  try {
    sessionStorage[item] = JSON.stringify(change(JSON.parse(sessionStorage[item] ?? '[]')));
  } catch {}
}
