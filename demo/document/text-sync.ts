import { applyUpdate, Doc, encodeStateAsUpdate, encodeStateVector, mergeUpdates, type Text } from 'yjs';
import { type DemoSession, type DemoUser, mayReact, type TextState } from '../room/types.ts';
import { fromBase64, toBase64 } from './base64.ts';

/** Changes are collected for so long, far below the rate limit of the service. */
const collectMillis = 150;
/** After so long without a change a text is told, and compared with the others'. */
const settleMillis = 600;
/** While somebody types on and on, the text is told after so long. */
const longestMillis = 2000;
const compareMillis = 100;
/** Characters of Base64 in one message; a payload may have 8 KB. */
const partCharacters = 6000;
/** Characters of a state vector that fit into a person's data beside the rest. */
const mostVector = 800;
/** The origin of changes that came from elsewhere. */
const remote = 'remote';

/**
 * Exchanges a Yjs text through a session, without another service. Rollcall shows presence; it is no store of documents.
 *
 * Changes go to the others as broadcasts, which may be lost. So each person tells in their presence data what their text
 * is: a digest and a state vector. Presence data is reliable. Whoever sees that another person's text differs sends them
 * what they miss. So a newcomer gets the text, and no two texts stay different. The browser keeps a copy for the time
 * when nobody is here; an application would use a Yjs provider with a store.
 *
 * @param key names the copy that the browser keeps.
 * @returns takes it away.
 */
export function syncText(session: DemoSession, doc: Doc, text: Text, key: string): () => void {
  const waiting: Uint8Array[] = [];
  const parts = new Map<string, string[]>();
  /** Other tabs of this person: a broadcast does not reach them. */
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

  /** What cannot be sent now is found as a difference later. */
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

  /** Tells what the text is, once nothing changes for a moment; while somebody types, every two seconds. */
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

  /** Sends others what they miss, again and again until their text is the same. */
  function compare(millis = compareMillis): void {
    if (comparing !== undefined || !session.others.some(isDifferent)) return;
    // Not all who have the text send it to a newcomer at once: the longest present does, and the next if it is not enough.
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

/** How many who may send have been here longer. */
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

/** A document with a first text. Its bytes are always the same, so that it is one text though everybody makes it. */
export function createDoc(first: string): { doc: Doc; text: Text } {
  const author = new Doc();
  author.clientID = 1;
  author.getText('text').insert(0, first);
  const doc = new Doc();
  applyUpdate(doc, encodeStateAsUpdate(author), remote);
  return { doc, text: doc.getText('text') };
}
