import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv, type ValidateFunction } from 'ajv';
import { messages, messageTypes } from '../../protocol/messages.ts';
import { answers } from '../../scripts/references/asyncapi.ts';
import { startTestStack } from '../support/stack.ts';
import { pagesOf, project, runProgram } from './support.ts';

const read = (file: string) => readFileSync(join(project, file), 'utf8');
const description = JSON.parse(read('docs/asyncapi.json'));
const { components } = description;

/** Validates payloads of the description by the name of their message. */
const payloads = new Ajv({ strict: false, validateFormats: false }).addSchema(description, 'asyncapi');
function validatorOf(name: string): ValidateFunction {
  const found = payloads.getSchema(`asyncapi#/components/messages/${name}/payload`);
  if (!found) throw new Error(`docs/asyncapi.json has no message ${name}.`);
  return found;
}

test('[row 43] the generated files are up to date; otherwise run `npm run references`', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-references-'));
  const program = ['--disable-warning=ExperimentalWarning', 'scripts/write-references.ts', folder];
  const { code, output } = await runProgram(process.execPath, program, { cwd: project });
  expect([code, output]).toEqual([0, expect.stringContaining('docs/client-reference/client.md')]);
  const files = output.trim().split('\n');
  for (const file of files) expect([file, read(file)]).toEqual([file, readFileSync(join(folder, file), 'utf8')]);
  const pages = pagesOf('docs/client-reference').sort();
  expect(pages).toEqual(files.filter((file) => file.startsWith('docs/client-reference/')).sort());
  await rm(folder, { recursive: true });
});

test('the reference of the client has a page for each import, with docstrings of its members', () => {
  const { exports } = JSON.parse(read('client/package.json'));
  const imports = Object.keys(exports).filter((path) => !path.endsWith('.json'));
  const titles = pagesOf('docs/client-reference').map((page) => /^# (.*)$/m.exec(read(page))![1]);
  expect(titles).toEqual(expect.arrayContaining(imports.map((path) => `@rollcall/client${path.slice(1)}`)));
  expect(read('docs/client-reference/client.md')).toContain(
    'Changes the role of a participant; only the owner may do it.',
  );
});

describe('docs/asyncapi.json', () => {
  test('is a description of AsyncAPI 3.0.0', () => {
    const schema = JSON.parse(read('node_modules/@asyncapi/specs/schemas/3.0.0.json'));
    // The schema contains that of JSON Schema, so Ajv must not bring its own.
    const options = { strict: false, validateFormats: false, meta: false, validateSchema: false } as const;
    const isValid = new Ajv(options).compile(schema);
    isValid(description);
    expect(isValid.errors).toBeNull();
    isValid({ ...description, channels: { live: { address: 5 } } });
    expect(isValid.errors).not.toBeNull();
  });

  test('each reference leads to something', () => {
    const references = [...JSON.stringify(description).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path]) => path!);
    expect(references.length).toBeGreaterThan(100);
    const target = (path: string) => path.split('/').reduce((inner, key) => inner?.[key], description);
    expect(references.filter((path) => target(path) === undefined)).toEqual([]);
  });

  test('names the answers of docs/protocol.md', () => {
    const rows = [...read('docs/protocol.md').matchAll(/^\| `(\w+)` ?(\*?) +\| [^|]*\| `(\w+)/gm)];
    const documented = rows.filter(([, type]) => type! in messages).map(([, type, , answer]) => [type, answer]);
    expect(Object.fromEntries(documented)).toEqual(answers);
  });

  test.each<[what: string, message: { type: string; [field: string]: unknown }]>([
    ['a hello', { type: 'hello', format: 'compact' }],
    ['a cursor', { type: 'cursor_update', sessionId: 's', cursor: { eventId: 'stage', position: 5, x: [1] } }],
    ['no cursor', { type: 'cursor_update', sessionId: 's', cursor: null }],
    [
      'a cursor with a position that is no number',
      { type: 'cursor_update', sessionId: 's', cursor: { position: '5' } },
    ],
    ['a cursor that is a list', { type: 'cursor_update', sessionId: 's', cursor: [] }],
    ['a join without a session', { type: 'session_join' }],
    ['a join with an unknown status', { type: 'session_join', sessionId: 's', status: 'busy' }],
    ['a key of 256 characters', { type: 'session_open', key: 'x'.repeat(256) }],
    ['metadata with a field of the application', { type: 'session_open', key: 'k', metadata: { colour: 'teal' } }],
    ['metadata with a limit of no participants', { type: 'session_open', key: 'k', metadata: { maxParticipants: 0 } }],
    ['an order below zero', { type: 'heartbeat', sessionId: 's', order: -1 }],
    ['a broadcast to somebody without a UUID', { type: 'broadcast', sessionId: 's', event: 'e', to: ['ada'] }],
    ['any payload', { type: 'broadcast', sessionId: 's', event: 'e', payload: [null, 1] }],
  ])('judges %s as the service does', (_, message) => {
    const { type, ...fields } = message;
    const { success } = messages[type as keyof typeof messages].schema.safeParse(fields);
    expect(validatorOf(`client_${type}`)(message)).toBe(success);
  });

  test('describes every message, and every frame of a session with two people', async () => {
    expect(messageTypes.filter((type) => !(`client_${type}` in components.messages))).toEqual([]);
    const stack = await startTestStack();
    const { owner, session } = await stack.host('ada');
    const bob = await stack.arrive('bob');
    const sessionId = session.id;
    await bob.expect('session_joined', { type: 'session_join', sessionId, data: { colour: 'teal' } });
    await bob.expect('ack', { type: 'presence_update', sessionId, activity: 'reading', cursor: { position: 1 } });
    await owner.expect('ack', { type: 'participant_role', sessionId, userId: bob.userId, role: 'commenter' });
    await bob.expect('ack', { type: 'broadcast', sessionId, event: 'wave', payload: { hand: 'left' } });
    await bob.expect('activity_logged', {
      type: 'activity_log',
      sessionId,
      activityType: 'edited',
      details: { line: 1 },
    });
    await bob.expect('participants', { type: 'participants_list', sessionId });
    await owner.expect('invite_created', { type: 'invite_create', sessionId, role: 'viewer' });
    await owner.expect('activity_page', { type: 'activity_query', sessionId });
    await owner.expect('presence_history', { type: 'presence_history', sessionId, at: Date.now() });
    await bob.expect('machine_registered', { type: 'machine_register', machineId: 'm', name: 'Laptop' });
    await bob.expect('machines', { type: 'machine_list' });
    await bob.expect('pong', { type: 'ping' });
    await bob.expect('error', { type: 'session_end', sessionId });
    await bob.expect('session_left', { type: 'session_leave', sessionId });
    await bob.expect('session_opened', { type: 'session_open', key: 'document' });
    await owner.expect('session_ended', { type: 'session_end', sessionId });
    const told = ['presence_diff', 'cursors', 'broadcast', 'activity'];
    await Promise.all(told.map((type) => owner.nextOf((frame) => frame.type === type)));
    await stack.close();

    const frames = [...owner.frames, ...bob.frames];
    const wrong = frames.flatMap((frame) => {
      const isValid = validatorOf(`server_${frame.type ?? 'gateway_error'}`);
      return isValid(frame) ? [] : [{ frame, errors: isValid.errors }];
    });
    expect(wrong).toEqual([]);
    const types = new Set(frames.map(({ type }) => type));
    for (const type of ['welcome', 'session_created', 'presence_diff', 'cursors', 'broadcast', 'activity'] as const) {
      expect(types).toContain(type);
    }
    const [welcome] = frames;
    expect(validatorOf('server_welcome')({ ...welcome, userId: 5 })).toBe(false);
  });
});
