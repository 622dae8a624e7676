import { applyUpdate, Doc, encodeStateAsUpdate, encodeStateVector, mergeUpdates, type Text } from 'yjs';
import { type DemoSession, type DemoUser, mayReact, type TextState } from '../room/types.ts';
import { fromBase64, toBase64 } from './base64.ts';

/** Changes are collected for this time, so that the message rate is far below the limit of the service. */
const collectMillis = 150;
/** After this time without a change, the state of the text is published and compared with that of the others. */
const settleMillis = 600;
/** While a user types without a pause, the state is published after this time. */
const longestMillis = 2000;
const compareMillis = 100;
/** Characters of Base64 in one message; a payload may have 8 KB. */
const partCharacters = 6000;
/** The largest state vector, in characters, that fits into the data of a user with the other fields. */
const mostVector = 800;
/** The origin of changes from other users or tabs. */
const remote = 'remote';

/**
 * Synchronizes a Yjs text through a session, without another service. Rollcall shows presence and stores no documents.
 *
 * Changes are sent to the others as broadcasts, which may be lost. So each user publishes the state of their text in their
 * presence data: a digest and a state vector. Presence data is reliable. If the text of another user differs, a client sends
 * them what they miss. So a user who joins gets the text, and no two texts stay different. The browser keeps a copy for the
 * time when nobody is present; an application would use a Yjs provider with a store.
 *
 * @param key the name of the copy in the browser.
 * @returns a function that ends the synchronization.
 */
export function syncText(session: DemoSession, doc: Doc, text: Text, key: string): () => void {
  const waiting: Uint8Array[] = [];
  const parts = new Map<string, string[]>();
  /** Other tabs of this user, because a broadcast does not reach them. */
  const tabs = new BroadcastChannel(`${key}/${session.self?.userId}`);
  let own: TextState | undefined;
  let collecting: ReturnType<typeof setTimeout> | undefined;
  let settling: ReturnType<typeof setTimeout> | undefined;
  let comparing: ReturnType<typeof setTimeout> | undefined;
  let changedAt: number | undefined;

  function onUpdate(update: Uint8Array, origin: unknown): void {
    settle();
    if (origin === remote) return;
    tabs.postMessage(update);
    waiting.push(update);
    collecting ??= setTimeout(send, collectMillis);
  }

  /** A change that cannot be sent now is found later as a difference. */
  function send(): void {
    collecting = undefined;
    if (waiting.length > 0) tell(mergeUpdates(waiting.splice(0)));
  }

  function tell(update: Uint8Array, to?: string): void {
    if (!mayReact(session)) return;
    const bytes = toBase64(update);
    const id = crypto.randomUUID();
    const count = Math.ceil(bytes.length / partCharacters);
    for (let part = 0; part < count; part += 1) {
      const payload = {
        id,
        part,
        parts: count,
        bytes: bytes.slice(part * partCharacters, (part + 1) * partCharacters),
      };
      session.broadcast('text', payload, to === undefined ? {} : { to: [to] });
    }
  }

  function receive({
    id,
    part,
    parts: count,
    bytes,
  }: {
    id: string;
    part: number;
    parts: number;
    bytes: string;
  }): void {
    const known = parts.get(id) ?? [];
    known[part] = bytes;
    parts.set(id, known);
    if (Object.keys(known).length < count) return;
    parts.delete(id);
    applyUpdate(doc, fromBase64(known.join('')), remote);
  }

  /** Publishes the state of the text after a short pause in typing, and every two seconds while a user types. */
  function settle(): void {
    own = undefined;
    changedAt ??= Date.now();
    clearTimeout(settling);
    settling = setTimeout(settled, Math.min(settleMillis, changedAt + longestMillis - Date.now()));
  }

  function settled(): void {
    changedAt = undefined;
    own = stateOf(doc, text);
    session.setData({ text: own });
    localStorage.setItem(key, toBase64(encodeStateAsUpdate(doc)));
    compare();
  }

  /** Sends others what they miss, and repeats that until their text is the same. */
  function compare(millis = compareMillis): void {
    if (comparing !== undefined || !session.others.some(isDifferent)) return;
    // Only the user who is present longest sends the text to a user who joins; if that is not enough, the next one does.
    comparing = setTimeout(
      () => {
        comparing = undefined;
        for (const user of session.others.filter(isDifferent)) tell(missedBy(user), user.userId);
        compare(longestMillis);
      },
      millis + settleMillis * rankOf(session),
    );
  }
  const isDifferent = ({ data }: DemoUser) => own && data.text && data.text.digest !== own.digest;
  const missedBy = ({ data }: DemoUser) =>
    encodeStateAsUpdate(doc, data.text?.vector ? fromBase64(data.text.vector) : undefined);

  const kept = localStorage.getItem(key);
  if (kept) applyUpdate(doc, fromBase64(kept), remote);
  doc.on('update', onUpdate);
  tabs.onmessage = ({ data }: MessageEvent<Uint8Array | 'hello'>) => {
    if (data === 'hello') tabs.postMessage(encodeStateAsUpdate(doc));
    else applyUpdate(doc, data, remote);
  };
  tabs.postMessage('hello');
  const stops = [
    session.on('broadcast', (sent) => {
      if (sent.event === 'text') receive(sent.payload);
    }),
    session.subscribe(() => compare()),
  ];
  settled();
  return () => {
    for (const timer of [collecting, settling, comparing]) clearTimeout(timer);
    for (const stop of stops) stop();
    doc.off('update', onUpdate);
    tabs.close();
  };
}

/** The number of users with the right to send who have been present longer. */
function rankOf({ users, self }: DemoSession): number {
  const senders = users.filter((user) => mayReact(user) && user.joinedAt < (self?.joinedAt ?? 0));
  return Math.min(senders.length, 5);
}

function stateOf(doc: Doc, text: Text): TextState {
  const vector = toBase64(encodeStateVector(doc));
  let digest = 0;
  for (const character of `${vector}${text.toString()}`) {
    digest = (Math.imul(digest, 31) + character.codePointAt(0)!) >>> 0;
  }
  return { digest: digest.toString(36), vector: vector.length > mostVector ? '' : vector };
}

/** A document with a first text. Its bytes are always the same, so that all users create the same document. */
export function createDoc(first: string): { doc: Doc; text: Text } {
  const author = new Doc();
  author.clientID = 1;
  author.getText('text').insert(0, first);
  const doc = new Doc();
  applyUpdate(doc, encodeStateAsUpdate(author), remote);
  return { doc, text: doc.getText('text') };
}
