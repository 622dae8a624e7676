import { createBy, entriesOf, type ParityCase, stageOf, tell } from './cases.ts';
import type { Fields, Wire } from './side.ts';

const typesOf = (wire: Wire) => wire.heard.map((frame) => frame['type']);

export const sightCases: ParityCase[] = [
  {
    title: '[DE9] a session shows activity only from a certain role up',
    async run(side) {
      const { owner, member, stranger, sessionId } = await stageOf(side, {
        isPublic: true,
        visibility: { activity: 'commenter' },
      });
      await stranger.ask('session_join', { sessionId });
      await owner.ask('participant_role', { sessionId, userId: stranger.userId, role: 'commenter' });
      await owner.ask('activity_log', { sessionId, activityType: 'note' });
      await side.wait(1000);
      const answers = [];
      for (const wire of [owner, stranger, member]) {
        answers.push(
          await tell(wire, 'activity_query', { sessionId }),
          await tell(wire, 'presence_history', { sessionId, at: 1 }),
          await tell(wire, 'participants_list', { sessionId }),
        );
      }
      return [answers, [stranger, member].map((wire) => typesOf(wire).includes('activity'))];
    },
    expected: [
      [
        ...['activity_page', 'presence_history', 'participants'],
        ...['activity_page', 'presence_history', 'participants'],
        ...['PERMISSION_DENIED', 'PERMISSION_DENIED', 'participants'],
      ],
      [true, false],
    ],
  },
  {
    title: '[DE9] a session shows cursors only from a certain role up, also in snapshots',
    async run(side) {
      const { owner, member, stranger, sessionId } = await stageOf(side, {
        isPublic: true,
        visibility: { cursors: 'commenter' },
      });
      await stranger.ask('session_join', { sessionId });
      await owner.ask('participant_role', { sessionId, userId: stranger.userId, role: 'commenter' });
      for (const [x, wire] of [owner, member].entries()) {
        await wire.ask('presence_update', { sessionId, cursor: { x } });
      }
      const seen = [];
      for (const wire of [owner, stranger, member]) {
        const { users } = await wire.ask('presence_sync', { sessionId });
        seen.push([owner, member].map(({ userId }) => users.find((one: Fields) => one['userId'] === userId).cursor?.x));
      }
      const again = await member.ask('session_join', { sessionId });
      return [seen, again.users.filter((one: Fields) => one['cursor']).length];
    },
    expected: [
      [
        [0, 1],
        [0, 1],
        [undefined, 1],
      ],
      1,
    ],
  },
  {
    title:
      '[AC10] a refused end and a refused activity are in the audit trail, one of each type for each user and minute',
    async run(side) {
      const { owner, member, stranger, removed, sessionId } = await stageOf(side);
      const guest = await side.connect('Gus', {
        invite: (await owner.ask('invite_create', { sessionId, role: 'viewer' })).invite,
      });
      await side.wait(60_000 - (Date.now() % 60_000));
      const refuse = async (wire: Wire) => {
        await wire.ask('session_end', { sessionId });
        await wire.ask('activity_log', { sessionId, activityType: 'note' });
      };
      await guest.ask('session_join', { sessionId });
      for (const wire of [member, member, stranger, removed, guest]) await refuse(wire);
      await owner.ask('activity_log', { sessionId, activityType: 'user_joined' });
      return (await entriesOf(owner, sessionId)).filter(([type]) => type.endsWith('refused'));
    },
    expected: Array(3)
      .fill([
        ['session_end_refused', { reason: 'PERMISSION_DENIED' }],
        ['activity_refused', { reason: 'PERMISSION_DENIED', activityType: 'note' }],
      ])
      .flat(),
  },
  {
    title: '[SE8] a removal and an end reach each connection that joined, and no other one',
    async run(side) {
      const { owner, member, stranger, sessionId, invite } = await stageOf(side);
      const tab = await side.connect('Bob', { userId: member.userId });
      const idle = await side.connect('Bob', { userId: member.userId });
      await tab.ask('session_join', { sessionId });
      await stranger.ask('session_join', { sessionId, invite });
      await owner.ask('participant_remove', { sessionId, userId: member.userId, reason: 'loud' });
      const removed = [member, tab, idle, stranger].map((wire) =>
        wire.heard.filter(({ type }) => type === 'session_removed').map(({ reason }) => reason),
      );
      await owner.ask('session_end', { sessionId });
      const ended = [owner, member, tab, stranger].map((wire) => typesOf(wire).includes('session_ended'));
      return [removed, ended];
    },
    expected: [
      [['loud'], ['loud'], [], []],
      [false, false, false, true],
    ],
  },
  {
    title: 'a connection whose user timed out is told of the end of the session, and not of the removal',
    async run(side) {
      const { owner, member, stranger, sessionId, invite } = await stageOf(side);
      await stranger.ask('session_join', { sessionId, invite });
      await side.wait(45_000);
      await owner.ask('heartbeat', { sessionId });
      await side.wait(45_000);
      const { users } = await owner.ask('presence_sync', { sessionId });
      await owner.ask('participant_remove', { sessionId, userId: member.userId });
      await owner.ask('session_end', { sessionId });
      const told = /session_(removed|ended)/;
      return [users.length, ...[member, stranger].map((wire) => typesOf(wire).filter((type) => told.test(type)))];
    },
    expected: [1, [], ['session_ended']],
  },
  {
    title: '[SE11] a key whose session is over gets another one, and only its users see the old one',
    async run(side) {
      const [ada, bob] = [await side.connect('Ada'), await side.connect('Bob')];
      const key = crypto.randomUUID();
      const first = await ada.ask('session_open', { key, metadata: { isPublic: false } });
      const refused = await tell(bob, 'session_open', { key });
      await ada.ask('session_end', { sessionId: first.session.id });
      const second = await bob.ask('session_open', { key });
      const other = await createBy(ada);
      return [
        refused,
        second.created,
        second.session.id === first.session.id,
        await tell(bob, 'participants_list', { sessionId: first.session.sessionId }),
        await tell(bob, 'participants_list', { sessionId: other }),
        await tell(ada, 'participants_list', { sessionId: second.session.sessionId }),
      ];
    },
    expected: ['PERMISSION_DENIED', true, false, 'SESSION_NOT_FOUND', 'SESSION_NOT_FOUND', 'participants'],
  },
];
