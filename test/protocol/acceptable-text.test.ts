import type * as z from 'zod/mini';
import { type MessageType, messages, messageTypes } from '../../protocol/messages.ts';

/** Values for fields with free text; each field accepts one of them. The tests make one place of it unacceptable. */
const uuid = '0190f1e2-6d0a-7c3b-8f4d-1a2b3c4d5e6f';
const texts = ['x', uuid];
const objects = [{}, { eventId: 'e', position: 1 }];
/** The values of fields that are objects of named texts only; the service ignores other fields of theirs. */
const named = [{ invite: 'x', secret: 'x' }];
/** The values that fields with a list of ids accept. */
const lists = [[uuid]];
const unacceptable = ['\u0000', '\ud83d', '\udc00', 'a\u0000b', 'a\ud83d b'];
/** Types of fields without free text, by zod's name. */
const closed = ['number', 'boolean', 'enum'];

interface Field {
  type: MessageType;
  name: string;
  schema: z.ZodMiniType;
}

/** All fields of all messages, read from the schemas, so that a new field is tested automatically. */
const fields: Field[] = messageTypes.flatMap((type) =>
  Object.entries((messages[type].schema as unknown as { shape: Record<string, z.ZodMiniType> }).shape).map(
    ([name, schema]) => ({ type, name, schema }),
  ),
);

/** The smallest acceptable message, found by trying values for each field. */
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

function innermost(schema: z.ZodMiniType): string {
  const { type, innerType } = schema.def as { type: string; innerType?: z.ZodMiniType };
  return innerType ? innermost(innerType) : type;
}

test('each type has an acceptable message, and there are fields to test', () => {
  for (const type of messageTypes)
    expect([type, messages[type].schema.safeParse(rightMessage(type)).error]).toEqual([type, undefined]);
  expect(fields.length).toBeGreaterThan(messageTypes.length);
});

test.each(fields)('$type: "$name" refuses unacceptable text', (field) => {
  const [text] = accepts(field, texts);
  const [object] = accepts(field, objects);
  if (text === undefined && accepts(field, lists).length > 0) {
    for (const bad of unacceptable) expect(problemsOf(field, [`${uuid}${bad}`])).not.toEqual([]);
    return;
  }
  const [proof] = accepts(field, named);
  if (object === undefined && text === undefined && proof !== undefined) {
    for (const name of Object.keys(proof as object)) {
      for (const bad of unacceptable) {
        expect(problemsOf(field, { ...(proof as object), [name]: `x${bad}` })).not.toEqual([]);
      }
    }
    return;
  }
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
  '$type: "$name" is passed on unchanged, with a field named __proto__',
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

test('escaped characters and whole characters of any plane are accepted', () => {
  const text = String.raw`\u0000 \ud83d \\ud83d 😀`;
  const log = { sessionId: text, activityType: text, details: { [text]: text } };
  expect(messages.activity_log.schema.safeParse(log).data).toEqual(log);
});
