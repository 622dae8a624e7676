import { type ParityCase, stageOf, tell } from './cases.ts';
import type { Wire } from './side.ts';

const at = Date.UTC(2026, 0, 1);

/** What a user may ask about a session, in an order in which nothing takes away what a later request needs. */
function requests(userId: string, inviteId: string): [string, object][] {
  return [
    ['participants_list', {}],
    ['activity_query', {}],
    ['presence_history', { at }],
    ['activity_log', { activityType: 'note' }],
    ['invite_create', { role: 'viewer' }],
    ['participant_role', { userId, role: 'commenter' }],
    ['invite_revoke', { inviteId }],
    ['participant_remove', { userId }],
    ['session_recover', {}],
    ['presence_sync', {}],
    ['broadcast', { event: 'wave' }],
    ['heartbeat', {}],
    ['session_leave', {}],
  ];
}

async function askAll(wire: Wire, sessionId: string, userId: string, inviteId: string): Promise<string[]> {
  const answers: string[] = [];
  for (const [type, fields] of requests(userId, inviteId))
    answers.push(await tell(wire, type, { sessionId, ...fields }));
  return answers;
}

const repeated = <T>(value: T, times: number) => Array<T>(times).fill(value);
const reading = ['participants', 'activity_page', 'presence_history'];
const without = repeated('NOT_IN_SESSION', 4);

export const accessCases: ParityCase[] = [
  {
    title: '[SE1] the owner manages a session in which they are not',
    async run(side) {
      const { owner, member, sessionId, inviteId } = await stageOf(side);
      await owner.ask('session_leave', { sessionId });
      return askAll(owner, sessionId, member.userId, inviteId);
    },
    expected: [...reading, 'activity_logged', 'invite_created', 'ack', 'ack', 'ack', 'session_recovered', ...without],
  },
  {
    title: '[SE1] whoever may see a public session reads it without joining',
    async run(side) {
      const { stranger, member, sessionId, inviteId } = await stageOf(side, { isPublic: true });
      return askAll(stranger, sessionId, member.userId, inviteId);
    },
    expected: [...reading, ...repeated('PERMISSION_DENIED', 6), ...without],
  },
  {
    title: '[SE1] a commenter who has left reads and logs, and does not manage',
    async run(side) {
      const { member, sessionId, inviteId } = await stageOf(side, {}, 'commenter');
      await member.ask('session_leave', { sessionId });
      return askAll(member, sessionId, member.userId, inviteId);
    },
    expected: [...reading, 'activity_logged', ...repeated('PERMISSION_DENIED', 5), ...without],
  },
  {
    title: '[SE13] a stranger does not learn of a private session, and a removed user is told',
    async run(side) {
      const { stranger, removed, sessionId, inviteId, member } = await stageOf(side);
      return [
        await askAll(stranger, sessionId, member.userId, inviteId),
        await askAll(removed, sessionId, member.userId, inviteId),
        await tell(stranger, 'session_end', { sessionId }),
        await tell(removed, 'session_end', { sessionId }),
        await tell(stranger, 'session_join', { sessionId }),
        await tell(removed, 'session_join', { sessionId }),
      ];
    },
    expected: [
      [...repeated('SESSION_NOT_FOUND', 9), ...without],
      [...repeated('PERMISSION_DENIED', 9), ...without],
      'SESSION_NOT_FOUND',
      'PERMISSION_DENIED',
      'SESSION_NOT_FOUND',
      'PERMISSION_DENIED',
    ],
  },
  {
    title: '[SE6] [SE9] an ended session is read and tidied up, and nothing else',
    async run(side) {
      const { owner, member, sessionId, inviteId } = await stageOf(side);
      await owner.ask('session_end', { sessionId, status: 'failed' });
      return [
        await askAll(owner, sessionId, member.userId, inviteId),
        await askAll(member, sessionId, member.userId, inviteId),
        (await owner.ask('session_end', { sessionId })).reason,
      ];
    },
    expected: [
      [...reading, ...repeated('SESSION_INACTIVE', 3), ...['ack', 'ack', 'SESSION_INACTIVE'], ...without],
      [...repeated('PERMISSION_DENIED', 9), ...without],
      'failed',
    ],
  },
  {
    title: '[SE5] [SE9] an expired session stays expired if its owner ends it',
    async run(side) {
      const { owner, member, sessionId } = await stageOf(side);
      for (const wire of [owner, member]) await wire.ask('session_leave', { sessionId });
      await side.wait(3_700_000);
      return [
        (await owner.ask('session_end', { sessionId })).reason,
        await tell(member, 'participants_list', { sessionId }),
        await tell(member, 'activity_log', { sessionId, activityType: 'note' }),
        await tell(owner, 'session_recover', { sessionId }),
        await tell(member, 'session_join', { sessionId }),
      ];
    },
    expected: ['expired', 'participants', 'PERMISSION_DENIED', 'session_recovered', 'session_joined'],
  },
];
