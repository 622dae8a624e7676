import { randomUUID } from 'node:crypto';
import { type MessageType, messages, messageTypes } from '../../protocol/messages.ts';
import { InProcessService, type Socket } from '../in-process/service.ts';
import { type Kind, type Stage, setStage } from '../in-process/stage.ts';
import { messageFields } from '../support/message-fields.ts';

/** Every message type from each kind of user who is not allowed to do everything. */

let service: InProcessService;
let stage: Stage;
beforeAll(async () => {
  service = await InProcessService.start();
  stage = await setStage(service);
});
afterAll(() => service.close());

const shapeOf = (type: MessageType) => Object.keys((messages[type].schema as unknown as { shape: object }).shape);
const ofSession = messageTypes.filter((type) => shapeOf(type).includes('sessionId'));
const others = messageTypes.filter((type) => !ofSession.includes(type));

/** The answer to a message about a session, without what only repeats the request. */
async function answerOf(socket: Socket, type: MessageType, sessionId?: string): Promise<string> {
  const message = { ...messageFields[type], type, ...(sessionId === undefined ? {} : { sessionId }) };
  const text = JSON.stringify(await service.ask(socket, message));
  return sessionId === undefined ? text : text.replaceAll(sessionId, '<session>');
}

const codeOf = (answer: string) => (JSON.parse(answer) as { code?: string }).code ?? 'allowed';

/** Each row has its own connection: a connection may send twenty messages a second. */
const anew = ({ authorizer }: Socket) => service.connect(authorizer.username, authorizer);

/** Kinds of users who may see nothing of the session. */
const blind: Kind[] = ['stranger', 'claimed'];

describe.each(blind)('[SE13] a user who may not see a session (%s)', (kind) => {
  test.each(ofSession)('%s: is answered as for an unknown id, with one code and one sentence', async (type) => {
    const socket = await anew(stage.people[kind]);
    const unknown = await answerOf(socket, type, randomUUID());
    expect(await answerOf(socket, type, stage.sessionId)).toBe(unknown);
    expect(await answerOf(socket, type, stage.sessionName)).toBe(await answerOf(socket, type, 'SESSION-20200101-NONE'));
    expect(['SESSION_NOT_FOUND', 'NOT_IN_SESSION']).toContain(codeOf(unknown));
  });
});

test('[SE13] a guest learns nothing about another session', async () => {
  for (const type of ofSession) {
    const guest = await anew(stage.people.guest);
    const unknown = await answerOf(guest, type, randomUUID());
    expect([type, await answerOf(guest, type, stage.foreignId)]).toEqual([type, unknown]);
    expect([type, codeOf(unknown)]).not.toEqual([type, 'allowed']);
  }
});

type Code = 'allowed' | 'PERMISSION_DENIED' | 'MACHINE_NOT_FOUND';
const each = <T extends MessageType>(types: readonly T[], code: Code) =>
  Object.fromEntries(types.map((type) => [type, code])) as Record<T, Code>;

const forAll = each(
  [
    ...([
      'hello',
      'ping',
      'session_join',
      'session_leave',
      'presence_update',
      'presence_sync',
      'cursor_update',
    ] as const),
    ...(['heartbeat', 'participants_list', 'activity_query', 'presence_history'] as const),
  ],
  'allowed',
);
const aboveViewer = each(
  [
    ...(['broadcast', 'session_end', 'session_recover', 'participant_role', 'participant_remove'] as const),
    ...(['invite_create', 'invite_revoke', 'activity_log'] as const),
    ...(['figures_watch'] as const),
  ],
  'PERMISSION_DENIED',
);
const ownThings = ['session_create', 'session_open', 'machine_register', 'machine_list'] as const;

/** What each message of a user who joined as viewer is answered with. A message that is missing here does not compile. */
const answerTo: Record<'viewer' | 'guest', Record<MessageType, Code>> = {
  viewer: { ...forAll, ...aboveViewer, ...each(ownThings, 'allowed'), machine_heartbeat: 'MACHINE_NOT_FOUND' },
  guest: { ...forAll, ...aboveViewer, ...each([...ownThings, 'machine_heartbeat'] as const, 'PERMISSION_DENIED') },
};

describe.each(['viewer', 'guest'] as const)('[SE1] [SE7] a %s who joined', (kind) => {
  test.each(messageTypes)('sends %s: it is allowed, or refused with one code', async (type) => {
    const socket = await anew(stage.people[kind]);
    const joined = await service.ask(socket, { type: 'session_join', sessionId: stage.sessionId });
    expect(joined.type).toBe('session_joined');
    const unknownMachine = type === 'machine_heartbeat' ? { machineId: 'unknown' } : {};
    const message = { ...messageFields[type], ...unknownMachine, type };
    const about = ofSession.includes(type) ? { sessionId: stage.sessionId } : {};
    const answer = JSON.stringify(await service.ask(socket, { ...message, ...about }));
    expect(codeOf(answer)).toBe(answerTo[kind][type]);
  });
});

test.each(ofSession)(
  '[SE8] a removed user may not send %s about the session, with the same token and a new one',
  async (type) => {
    for (const socket of [stage.people.removed, await anew(stage.people.removed)]) {
      expect(codeOf(await answerOf(socket, type, stage.sessionId))).toMatch(
        /^(PERMISSION_DENIED|NOT_IN_SESSION|SESSION_NOT_FOUND)$/,
      );
    }
  },
);

test.each(messageTypes)('[SE12] after the end of the token of an access claim, %s is refused', async (type) => {
  const sessionId = ofSession.includes(type) ? stage.sessionId : undefined;
  expect(codeOf(await answerOf(stage.people.expired, type, sessionId))).toBe('UNAUTHENTICATED');
});

test('every message type is about a session, or concerns only its sender', () => {
  expect(others.toSorted()).toEqual([
    ...[
      'figures_watch',
      'hello',
      'machine_heartbeat',
      'machine_list',
      'machine_register',
      'ping',
      'session_create',
      'session_open',
    ],
  ]);
});

test('[SE13] a guest who names a session that does not exist leaves no entry and no error', async () => {
  for (const sessionId of [randomUUID(), 'SESSION-20200101-NONE']) {
    for (const type of ['session_end', 'activity_log'] as const) {
      const guest = await anew(stage.people.guest);
      expect([type, codeOf(await answerOf(guest, type, sessionId))]).toEqual([type, 'PERMISSION_DENIED']);
    }
    const { rows } = await service.database.pool.query('SELECT FROM activity_log WHERE session_id::text = $1', [
      sessionId,
    ]);
    expect(rows).toHaveLength(0);
  }
  expect(service.errors).toEqual([]);
});

test('the machines of a user are unknown to others', async () => {
  const { owner, stranger } = stage.people;
  await service.ask(owner, { type: 'machine_register', machineId: 'owned', name: 'Owned' });
  const beat = async (machineId: string) =>
    JSON.stringify(await service.ask(stranger, { type: 'machine_heartbeat', machineId })).replaceAll(machineId, '<id>');
  expect(await beat('owned')).toBe(await beat('nobodys'));
});
