import { type MessageType, messages, messageTypes } from '../../protocol/messages.ts';
import { SeededRandom } from '../harness/seeded-random.ts';
import { type Arrived, startTestStack, type TestStack } from '../support/stack.ts';

// For any value of any field, the answer is one of the service and never `INTERNAL`.

let stack: TestStack;
let sender: Arrived;
let sessionId: string;

beforeAll(async () => {
  stack = await startTestStack();
  const hosted = await stack.host('olive');
  sessionId = hosted.session.id;
});
afterAll(() => stack.close());

const seed = Number(process.env['FUZZ_SEED'] ?? 20_261_128);
const rounds = Number(process.env['FUZZ_ROUNDS'] ?? 4);
const random = new SeededRandom(seed);

/** JSON texts, because JSON can contain what an object literal cannot. */
const pieces = [
  ...[
    'null',
    'true',
    '0',
    '-0',
    '1e400',
    '-1e400',
    '1e308',
    '5e-324',
    '1e21',
    '9007199254740993',
    '[]',
    '{}',
    '""',
    '" "',
  ],
  ...['"x"', '"\\u0000"', '"\\ud83d"', '"\\udc00x"', '"\\u200b"', '"\\u202e"', '"__proto__"', '"constructor"', '"😀"'],
  ...['"0190f1e2-6d0a-7c3b-8f4d-1a2b3c4d5e6f"', '"91165781-785F-44BD-5117-08D8BB99840C"', '"SESSION-20200101-NONE"'],
  ...['{"__proto__":{"a":1}}', '{"eventId":"e","position":1}', '{"eventId":"e","position":1,"__proto__":{"x":1}}'],
  ...['"viewer"', '"operator"', '"away"', '"offline"', '"completed"', '"compact"', '["viewer"]', '{"toJSON":1}'],
  ...[
    '"\'; DROP TABLE users; --"',
    '"%s%n"',
    '"\\\\u0000"',
    '"*"',
    '"\\r\\n"',
    '"{}:x"',
    '{"$gt":""}',
    '{"":""}',
    '{"S":"x"}',
  ],
];

function piece(depth = 0): string {
  if (depth > 3 || random.next() < 0.7)
    return random.next() < 0.05 ? JSON.stringify('y'.repeat(random.below(9000))) : random.pick(pieces)!;
  if (random.next() < 0.5) return `[${piece(depth + 1)},${piece(depth + 1)}]`;
  return `{${random.pick(pieces.filter((text) => text.startsWith('"')))}:${piece(depth + 1)},"eventId":${piece(depth + 1)},"position":1}`;
}

const fieldsOf = (type: MessageType) => Object.keys((messages[type].schema as unknown as { shape: object }).shape);

/** A message with some valid fields and random values in the others. */
function fuzzed(type: MessageType, requestId: string): string {
  const fields = fieldsOf(type)
    .filter((name) => name !== 'requestId' && random.next() < 0.85)
    .map((name) => `"${name}":${name === 'sessionId' && random.next() < 0.85 ? JSON.stringify(sessionId) : piece()}`);
  return `{${[`"type":"${type}"`, `"requestId":"${requestId}"`, ...fields].join(',')}}`;
}

async function reconnect(): Promise<void> {
  await (sender as Arrived | undefined)?.close();
  sender = await stack.arrive('olive');
  await sender.expect('session_joined', { type: 'session_join', sessionId });
}

/** The tested types. Ending the session would make all later answers the same. */
const types = messageTypes.filter((type) => type !== 'session_end');

test('no value of a field makes the service answer INTERNAL', async () => {
  let sent = 0;
  for (let round = 0; round < rounds; round++) {
    for (const type of types) {
      if (sent % 50 === 0) await reconnect();
      const requestId = `fuzz-${sent++}`;
      const text = fuzzed(type, requestId);
      sender.send(text);
      const answer = await sender.nextOf((frame) => frame.requestId === requestId);
      const code = answer.type === 'error' ? answer.code : answer.type;
      expect([seed, text, ['INTERNAL', 'UNAVAILABLE', undefined].includes(code) ? code : 'answered']).toEqual([
        seed,
        text,
        'answered',
      ]);
      if (type === 'session_leave' && code === 'session_left') await reconnect();
    }
  }
  expect(stack.lines.filter((line) => line.includes('A handler failed'))).toEqual([]);
});
