import type { z } from 'zod';
import { type MessageType, messages, messageTypes } from '../../protocol/messages.ts';

/** Values one of which every field with free text takes; each is made unacceptable in one place. */
const uuid = '0190f1e2-6d0a-7c3b-8f4d-1a2b3c4d5e6f';
const texts = ['x', uuid];
const objects = [{}, { eventId: 'e', position: 1 }];
const unacceptable = ['\u0000', '\ud83d', '\udc00', 'a\u0000b', 'a\ud83d b'];
/** What a field without free text may be, by the name zod gives it. */
const closed = ['number', 'boolean', 'enum'];

interface Field {
  type: MessageType;
  name: string;
  schema: z.ZodType;
}

/** Every field of every message, read off the schemas, so that a field that is added later is here by itself. */
const fields: Field[] = messageTypes.flatMap((type) =>
  Object.entries((messages[type].schema as unknown as { shape: Record<string, z.ZodType> }).shape).map(
    ([name, schema]) => ({ type, name, schema }),
  ),
);

/** The smallest message that is acceptable, by trying for each field what it takes. */
function rightMessage(type: MessageType): Record<string, unknown> {
  const candidates = [undefined, ...texts, ...objects, 1, 'viewer'];
  const own = fields.filter((field) => field.type === type);
  return Object.fromEntries(
    own.map(({ name, schema }) => [name, candidates.find((one) => schema.safeParse(one).success)]),
  );
}

const accepts = ({ schema }: Field, values: unknown[]) => values.filter((value) => schema.safeParse(value).success);
const problemsOf = ({ type, name }: Field, value: unknown) =>
  messages[type].schema.safeParse({ ...rightMessage(type), [name]: value }).error?.issues ?? [];

function innermost(schema: z.ZodType): string {
  const { type, innerType } = schema.def as { type: string; innerType?: z.ZodType };
  return innerType ? innermost(innerType) : type;
}

test('there is an acceptable message of each type, and there are fields to look at', () => {
  for (const type of messageTypes)
    expect([type, messages[type].schema.safeParse(rightMessage(type)).error]).toEqual([type, undefined]);
  expect(fields.length).toBeGreaterThan(messageTypes.length);
});

test.each(fields)('$type: no unacceptable text in "$name"', (field) => {
  const [text] = accepts(field, texts);
  const [object] = accepts(field, objects);
  if (text === undefined && object === undefined) {
    expect(closed).toContain(innermost(field.schema));
    return;
  }
  for (const bad of unacceptable) {
    if (text !== undefined) expect([bad, problemsOf(field, `${text}${bad}`).length > 0]).toEqual([bad, true]);
    if (object === undefined) continue;
    for (const part of [{ free: bad }, { [bad]: 1 }, { free: [{ deep: bad }] }, { free: { [bad]: [] } }]) {
      const issues = problemsOf(field, { ...(object as object), ...part });
      expect([part, issues.map(({ path }) => path[0])]).toEqual([part, [field.name]]);
    }
  }
});

test.each(fields.filter((field) => accepts(field, objects).length > 0))(
  '$type: no number in "$name" that JSON would write as null',
  (field) => {
    const object = accepts(field, objects)[0] as object;
    for (const number of ['1e400', '-1e400']) {
      const part = JSON.parse(`{"free":${number}}`);
      expect(problemsOf(field, { ...object, ...part }).map(({ path }) => path.join('.'))).toEqual([
        `${field.name}.free`,
      ]);
      expect(problemsOf(field, { ...object, free: [[part]] })).toHaveLength(1);
    }
    expect(problemsOf(field, { ...object, free: [1e308, -0.5] })).toEqual([]);
  },
);

test.each(fields.filter((field) => accepts(field, objects).length > 0))(
  '$type: "$name" is handed on as it came, with a field named __proto__',
  (field) => {
    const object = accepts(field, objects)[0] as object;
    const text = JSON.stringify({ ...object, last: 1 }).replace('"last"', '"__proto__":{"a":{"__proto__":5}},"last"');
    const parsed = messages[field.type].schema.safeParse({
      ...rightMessage(field.type),
      [field.name]: JSON.parse(text),
    });
    expect(JSON.stringify((parsed.data as Record<string, unknown>)[field.name])).toBe(text);
  },
);

test('text about such characters, and whole characters of any plane, are text like any other', () => {
  const text = String.raw`\u0000 \ud83d \\ud83d 😀`;
  const log = { sessionId: text, activityType: text, details: { [text]: text } };
  expect(messages.activity_log.schema.safeParse(log).data).toEqual(log);
});
