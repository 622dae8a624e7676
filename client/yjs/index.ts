/**
 * Selections of text editors with Yjs bindings.
 *
 * @module yjs
 */

import { colourOf } from '../colour.ts';
import { createEmitter } from '../emitter.ts';
import { isSame } from '../presence.ts';
import type { Session } from '../session-api.ts';
import type { Types, User } from '../types.ts';
import { openEditor } from './editor-keys.ts';

/** The state of one editor; bindings use `user` and `cursor`. */
export type AwarenessState = Record<string, unknown>;

/** The client ids whose states were added, updated or removed. */
export interface AwarenessChange {
  added: number[];
  updated: number[];
  removed: number[];
}

/** The used part of a `Y.Doc`. */
export interface AwarenessDoc {
  readonly clientID: number;
  /** Calls a listener when the document is destroyed. */
  on(event: 'destroy', listener: () => void): unknown;
  /** Ends the calls of a listener. */
  off(event: 'destroy', listener: () => void): unknown;
}

type Listener = (change: AwarenessChange, origin: unknown) => void;

/**
 * The interface of `Awareness` of `y-protocols/awareness`. Bindings of editors accept it: `y-codemirror.next`,
 * `y-prosemirror`, Tiptap, `y-monaco`, Lexical.
 */
export interface Awareness {
  readonly doc: AwarenessDoc;
  readonly clientID: number;
  /** The states by client id, including that of this editor. */
  readonly states: Map<number, AwarenessState>;
  /** How often each state changed, and when it last changed (Unix milliseconds). */
  readonly meta: Map<number, { clock: number; lastUpdated: number }>;
  /** Returns `states`. */
  getStates(): Map<number, AwarenessState>;
  /** The state of this editor; null if it has none. */
  getLocalState(): AwarenessState | null;
  /** Sets the state of this editor; `null` removes it. */
  setLocalState(state: AwarenessState | null): void;
  /** Sets one field of the state of this editor. Has no effect if there is no state. */
  setLocalStateField(field: string, value: unknown): void;
  /** `change`: a state differs; `update`: a state was set, even to an equal value. */
  on(event: 'change' | 'update', listener: Listener): void;
  /** Ends the calls of a listener. */
  off(event: 'change' | 'update', listener: Listener): void;
  /** Removes this editor's state and stops listening. */
  destroy(): void;
}

const prefix = 'yjs-';

/**
 * Sends the states of editors, such as their selections, in the `data` of the users of a session. Each open editor has one key, the
 * client id of its document. All `data` of a user may have 2 KB. When a user leaves the session, their states are removed at
 * once. No message is needed to stay visible.
 *
 * It does not send the text. The application exchanges the documents with another provider.
 */
export function createAwareness<T extends Types>(session: Session<T>, doc: AwarenessDoc): Awareness {
  const told = session as unknown as Session;
  const { clientID } = doc;
  const ownKey = prefix + clientID;
  const states: Awareness['states'] = new Map();
  const meta: Awareness['meta'] = new Map();
  const { on, emit } = createEmitter<Record<'change' | 'update', [AwarenessChange, unknown]>>();
  const stops = new Map<Listener, Map<string, () => void>>();

  function tell(change: AwarenessChange, origin: unknown, isTold = false): void {
    const isDifferent = Object.values(change).some((ids) => ids.length > 0);
    if (isDifferent) emit('change', [change, origin]);
    if (isDifferent || isTold) emit('update', [change, origin]);
  }

  /** @returns the kind of the change: added, updated or removed; undefined if nothing changed. */
  function put(id: number, state: AwarenessState | undefined): keyof AwarenessChange | undefined {
    const known = states.get(id);
    if (isSame(known, state)) return undefined;
    if (state) states.set(id, state);
    else states.delete(id);
    meta.set(id, { clock: (meta.get(id)?.clock ?? -1) + 1, lastUpdated: Date.now() });
    if (!state) return 'removed';
    return known ? 'updated' : 'added';
  }

  function read(): void {
    const change: AwarenessChange = { added: [], updated: [], removed: [] };
    const present = new Map<number, AwarenessState>();
    const { users, self } = told.getSnapshot();
    for (const user of users) {
      for (const [id, state] of editorsOf(user)) present.set(id, state);
    }
    present.delete(clientID);
    for (const id of new Set([...states.keys(), ...present.keys()])) {
      const kind = id !== clientID && put(id, present.get(id));
      if (kind) change[kind].push(id);
    }
    if (self) forgetClosed(self);
    tell(change, 'rollcall');
  }

  /**
   * Removes the keys of this user's editors that were closed without a message: those of the page before a reload, and if the user has
   * one tab, all that are not in this page.
   */
  function forgetClosed({ data, connections }: User): void {
    const closed = Object.keys(data).filter(
      (key) => key.startsWith(prefix) && !editor.isMine(key) && (connections === 1 || editor.isPast(key)),
    );
    if (closed[0]) told.setData(Object.fromEntries(closed.map((key) => [key, null])));
  }

  /** While this tab was away, another one of the user may have removed its key. */
  function showAgain(state: string): void {
    const own = states.get(clientID);
    if (state === 'joined' && own && !told.self?.data[ownKey]) sendOwn(own);
  }

  /** Relative positions are class instances; others receive their JSON. */
  function sendOwn(state: AwarenessState | null): void {
    told.setData({ [ownKey]: JSON.parse(JSON.stringify(state)) });
  }

  const awareness: Awareness = {
    doc,
    clientID,
    states,
    meta,
    getStates: () => states,
    getLocalState: () => states.get(clientID) ?? null,
    setLocalState(state) {
      const change: AwarenessChange = { added: [], updated: [], removed: [] };
      const kind = put(clientID, state ?? undefined);
      if (kind) change[kind].push(clientID);
      if (kind) sendOwn(state);
      tell(change, 'local', true);
    },
    setLocalStateField(field, value) {
      const state = awareness.getLocalState();
      if (state) awareness.setLocalState({ ...state, [field]: value });
    },
    on(event, listener) {
      const known = stops.get(listener) ?? new Map();
      known.get(event)?.();
      stops.set(
        listener,
        known.set(
          event,
          on(event, ([change, origin]) => listener(change, origin)),
        ),
      );
    },
    off(event, listener) {
      const known = stops.get(listener);
      known?.get(event)?.();
      known?.delete(event);
      if (!known?.size) stops.delete(listener);
    },
    destroy() {
      for (const stop of ends) stop();
      doc.off('destroy', awareness.destroy);
      awareness.setLocalState(null);
      editor.end();
    },
  };
  const editor = openEditor(told, ownKey);
  const ends = [told.subscribe(read), told.on('state', showAgain)];
  doc.on('destroy', awareness.destroy);
  awareness.setLocalState({});
  read();
  return awareness;
}

/** The states of a user's editors. If a state has no name or colour, those of the service are used. */
function editorsOf(user: User): [number, AwarenessState][] {
  const known = { name: user.username, color: colourOf(user), colorLight: colourOf(user, 0.2) };
  return Object.entries(user.data)
    .filter(([key]) => key.startsWith(prefix))
    .map(([key, state]) => {
      const { user: own, ...rest } = state as AwarenessState & { user?: object };
      return [Number(key.slice(prefix.length)), { ...rest, user: { ...known, ...own } }];
    });
}
