import { limits } from '../../protocol/limits.ts';
import { type MessageType, messages, messageTypes } from '../../protocol/messages.ts';
import type { SeededRandom } from '../harness/seeded-random.ts';
import { messageFields } from '../support/message-fields.ts';

/** The ids that a frame may name. The generator writes placeholders, so a seed gives the same frames in each run. */
export interface Ids {
  sessionId: string;
  sessionName: string;
  foreignId: string;
  foreignName: string;
  invite: string;
  inviteId: string;
  key: string;
  ownerId: string;
  guestId: string;
}

/** JSON texts, because JSON can contain what an object literal cannot. */
const plainPieces = [
  'null',
  'true',
  'false',
  '0',
  '-0',
  '1',
  '-1',
  '1.5',
  '[]',
  '{}',
  '""',
  '" "',
  '"x"',
  '[[]]',
  '[null]',
];
const oddNumbers = [
  '1e400',
  '-1e400',
  '1e308',
  '5e-324',
  '1e21',
  '9007199254740993',
  '8.64e15',
  '8640000000000001',
  '1e-7',
];
const oddTexts = [
  ...[
    '"\\u0000"',
    '"\\ud83d"',
    '"\\udc00x"',
    '"\\u200b"',
    '"\\u202e"',
    '"__proto__"',
    '"constructor"',
    '"toString"',
    '"😀"',
  ],
  ...[
    '"\'; DROP TABLE users; --"',
    '"%s%n"',
    '"\\\\u0000"',
    '"*"',
    '"\\r\\n"',
    '"{}:x"',
    '"$1"',
    '"../.."',
    '"#received"',
  ],
];
const oddObjects = [
  ...['{"__proto__":{"a":1}}', '{"constructor":{"prototype":1}}', '{"toJSON":1}', '{"$gt":""}', '{"":""}', '{"S":"x"}'],
  ...['{"eventId":"e","position":1}', '{"eventId":"e","position":1,"__proto__":{"x":1}}', '{"a":{"a":{"a":{"a":{}}}}}'],
];
const knownTexts = [
  ...[
    '"viewer"',
    '"commenter"',
    '"operator"',
    '"away"',
    '"online"',
    '"offline"',
    '"completed"',
    '"compact"',
    '["viewer"]',
  ],
  ...['"0190f1e2-6d0a-7c3b-8f4d-1a2b3c4d5e6f"', '"91165781-785F-44BD-5117-08D8BB99840C"', '"SESSION-20200101-NONE"'],
];
const ids = (Object.keys({ ...emptyIds() }) as (keyof Ids)[]).map((name) => `"<${name}>"`);
const pieces = [...plainPieces, ...oddNumbers, ...oddTexts, ...oddObjects, ...knownTexts, ...ids];
/** Texts are also the keys of objects, so nothing else may be among them. */
const texts = pieces.filter((text) => text.startsWith('"'));

/** How a frame is made. Most are refused before they reach a store; the others are messages that somebody may send. */
const ways = { bytes: 46, notMessage: 8, field: 37, otherType: 5, large: 1, almost: 1.5, valid: 1.5 };

/** The others are valid with nearly any fields, so they would be most of the frames that reach a store. */
const withRequiredFields = messageTypes.filter((type) => !['hello', 'ping', 'machine_list'].includes(type));

/** A frame: text, or bytes that may be no UTF-8. */
export function frameText(random: SeededRandom): string | Uint8Array {
  const type = random.one(random.chance(0.8) ? withRequiredFields : messageTypes);
  switch (random.weighted(ways)) {
    case 'bytes':
      return damaged(random, message(random, type, 0.5));
    case 'notMessage':
      return notMessage(random);
    case 'field':
      return message(random, type, 0.3, false);
    case 'otherType':
      return message(random, type, 0.9).replace(`"type":"${type}"`, `"type":${piece(random)}`);
    case 'large':
      return message(random, type, 0.9).replace(
        '{',
        `{"${random.one(['x', 'data', 'metadata', 'cursor'])}":${large(random)},`,
      );
    case 'almost':
      return message(random, type, 0.85);
    case 'valid':
      return message(random, type, 1);
  }
}

/** The frame with the ids of a stage. */
export function withIds(frame: string | Uint8Array, stage: Ids): string | Uint8Array {
  if (typeof frame !== 'string') return frame;
  return frame.replace(/<(\w+)>/g, (text, name: string) =>
    Object.hasOwn(stage, name) ? stage[name as keyof Ids] : text,
  );
}

function emptyIds(): Ids {
  const [sessionId, sessionName, foreignId, foreignName, invite, inviteId] = ['', '', '', '', '', ''];
  return { sessionId, sessionName, foreignId, foreignName, invite, inviteId, key: '', ownerId: '', guestId: '' };
}

const fieldsOf = (type: MessageType) => Object.keys((messages[type].schema as unknown as { shape: object }).shape);

/** @param kept how likely a field has the value of a valid message. @param known whether the session mostly is the stage's. */
function message(random: SeededRandom, type: MessageType, kept: number, known = true): string {
  const valid = messageFields[type] as Record<string, unknown>;
  const fields = fieldsOf(type).flatMap((name) => {
    if (name === 'requestId') return random.chance(0.8) ? ['"requestId":"r"'] : [];
    if (name === 'sessionId' && known) return [`"sessionId":${session(random)}`];
    const given = valid[name] === undefined ? undefined : JSON.stringify(valid[name]);
    if (random.chance(kept)) return given === undefined ? [] : [`"${name}":${given}`];
    return random.chance(0.8) ? [`"${name}":${piece(random)}`] : [];
  });
  if (kept < 1 && random.chance(0.1))
    fields.push(`"${random.one(['x', 'userId', 'role', '__proto__'])}":${piece(random)}`);
  return `{${[`"type":"${type}"`, ...fields].join(',')}}`;
}

function session(random: SeededRandom): string {
  if (random.chance(0.6)) return '"<sessionId>"';
  return random.one([
    '"<sessionName>"',
    '"<foreignId>"',
    '"<foreignName>"',
    '"0190f1e2-6d0a-7c3b-8f4d-1a2b3c4d5e6f"',
    '"x"',
  ]);
}

function piece(random: SeededRandom, depth = 0): string {
  if (depth > 3 || random.chance(0.75)) return random.one(pieces);
  if (random.chance(0.5)) return `[${piece(random, depth + 1)},${piece(random, depth + 1)}]`;
  return `{${random.one(texts)}:${piece(random, depth + 1)},"eventId":${piece(random, depth + 1)},"position":1}`;
}

/** JSON that is no message, or no JSON. */
function notMessage(random: SeededRandom): string {
  const nested = random.int(1, 2000);
  return random.one([
    piece(random),
    `{"type":"ping","x":${'['.repeat(nested)}${']'.repeat(nested)}}`,
    `{"type":"presence_update","sessionId":"<sessionId>","data":${'{"a":'.repeat(nested)}1${'}'.repeat(nested)}}`,
    '{"type":"ping","type":"session_end"}',
    '',
  ]);
}

/** A text just below, at or above one of the limits. */
function large(random: SeededRandom): string {
  const size = random.one([
    255,
    1024,
    limits.dataBytes,
    limits.metadataBytes,
    limits.messageBytes,
    2 * limits.messageBytes,
  ]);
  return JSON.stringify(random.one(['y', 'é', '😀', '"']).repeat(size + random.int(-3, 3)));
}

/** A frame with some bytes changed, lost or repeated. */
function damaged(random: SeededRandom, text: string): string | Uint8Array {
  const bytes = [...Buffer.from(text)];
  for (let change = random.int(2, 6); change > 0; change -= 1) {
    const place = random.below(bytes.length + 1);
    const bit = random.one([() => [random.below(256)], () => [], () => bytes.slice(place, place + 8)])();
    bytes.splice(place, random.below(4), ...bit);
  }
  const damagedBytes = Buffer.from(bytes);
  const damagedText = damagedBytes.toString();
  return Buffer.from(damagedText).equals(damagedBytes) && random.chance(0.8) ? damagedText : damagedBytes;
}
