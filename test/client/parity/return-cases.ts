import { createBy, kindOf, type ParityCase, stageOf, tell } from './cases.ts';
import type { Fields, Side, Wire } from './side.ts';

/** What the diffs that a connection received say: names of joins, fields of updates, and leaves. */
const toldTo = ({ heard }: Wire) =>
  heard.map(({ joins, updates, leaves }) => [
    joins.map(({ username }: Fields) => username),
    updates.map((update: object) => Object.keys(update).sort().join()),
    leaves.length,
  ]);

/** Lets 90 seconds pass in which only one user sends frames. The others time out. */
async function outlast(side: Side, active: Wire, sessionId: string): Promise<void> {
  for (let turn = 0; turn < 2; turn += 1) {
    await side.wait(45_000);
    await active.ask('heartbeat', { sessionId });
  }
}

/** Who is present, as one of them sees it. */
async function presentTo(wire: Wire, sessionId: string): Promise<unknown[]> {
  const { users } = await wire.ask('presence_sync', { sessionId });
  const byName = users.toSorted((one: Fields, other: Fields) => (one['username'] < other['username'] ? -1 : 1));
  return byName.map(({ username, status, activity, data, connections }: Fields) => ({
    ...{ username, status, activity, connections },
    data: data ?? {},
  }));
}

const frames: [string, object, string][] = [
  ['presence_update', { activity: 'back' }, 'ack'],
  ['heartbeat', {}, 'ack'],
  ['cursor_update', { cursor: { x: 1 } }, 'ack'],
  ['presence_sync', {}, 'presence_state'],
  ['broadcast', { event: 'wave' }, 'ack'],
];

export const returnCases: ParityCase[] = [
  {
    title: '[PR11] a user who timed out is back with their next frame, with their data and their invisibility',
    async run(side) {
      const { owner, member, stranger, sessionId, invite } = await stageOf(side);
      await stranger.ask('session_join', { sessionId, invite });
      await member.ask('presence_update', { sessionId, activity: 'before', data: { colour: 'teal' } });
      await stranger.ask('presence_update', { sessionId, status: 'offline' });
      await outlast(side, owner, sessionId);
      const alone = await presentTo(owner, sessionId);
      await side.wait(1000);
      member.heard.length = 0;
      const answer = await tell(member, 'presence_update', { sessionId, data: { page: 3 } });
      const told = toldTo(member);
      await tell(stranger, 'heartbeat', { sessionId });
      return [alone.length, answer, told, (await presentTo(owner, sessionId)).slice(1)];
    },
    expected: [
      1,
      'ack',
      [[[], ['data,userId'], 0]],
      [
        { username: 'Bob', status: 'online', activity: undefined, connections: 1, data: { colour: 'teal', page: 3 } },
        { username: 'Cleo', status: 'offline', activity: undefined, connections: 1, data: {} },
      ],
    ],
  },
  {
    title: '[PR11] each frame about the user brings them back',
    async run(side) {
      const { owner, member, sessionId } = await stageOf(side, {}, 'commenter');
      const answers: unknown[] = [];
      for (const [type, fields] of frames) {
        await outlast(side, owner, sessionId);
        answers.push(await tell(member, type, { sessionId, ...fields }), (await presentTo(owner, sessionId)).length);
      }
      return answers;
    },
    expected: frames.flatMap(([, , answer]) => [answer, 2]),
  },
  {
    title: '[SE3] [SE8] [SE9] nobody comes back into a session that is full or over, or from which they were removed',
    async run(side) {
      const [owner, bob, cleo] = await Promise.all(['Ada', 'Bob', 'Cleo'].map((name) => side.connect(name)));
      const sessionId = await createBy(owner!, { isPublic: true, maxParticipants: 2 });
      await bob!.ask('session_join', { sessionId });
      await outlast(side, owner!, sessionId);
      await presentTo(owner!, sessionId);
      // In the service, a sweep gives the slot back; here the owner's removal does.
      const removed = await tell(owner!, 'participant_remove', { sessionId, userId: bob!.userId });
      const joined = kindOf(await cleo!.ask('session_join', { sessionId }));
      const afterRemoval = await tell(bob!, 'heartbeat', { sessionId });
      await owner!.ask('session_end', { sessionId });
      return [removed, joined, afterRemoval, await tell(cleo!, 'heartbeat', { sessionId })];
    },
    expected: ['ack', 'session_joined', 'NOT_IN_SESSION', 'NOT_IN_SESSION'],
  },
];
