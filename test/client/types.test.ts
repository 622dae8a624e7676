import { type Client, createClient, type Session } from '../../client/index.ts';
import { createTestRollcall } from '../../client/testing/index.ts';

// `tsc` checks the types; this file has no cast.

interface Board {
  data: { colour: string; page: number };
  cursor: { x: number; y: number };
  metadata: { team: string };
  broadcasts: { wave: { hand: 'left' | 'right' }; nod: undefined };
}

const rollcall = createTestRollcall();
afterAll(() => rollcall.close());

test('[row 36] types that are declared once apply to all values', async () => {
  const ada = rollcall.client<Board>('ada');
  const bob = rollcall.client<Board>('bob');
  const hers: Session<Board> = ada.open('board', { data: { colour: 'teal', page: 1 }, metadata: { team: 'red' } });
  const his = bob.open('board', { data: { page: 2 } });
  await Promise.all([hers.ready, his.ready]);

  const heard: string[] = [];
  his.on('broadcast', (broadcast) => {
    if (broadcast.event === 'wave') {
      const hand: 'left' | 'right' = broadcast.payload.hand;
      heard.push(hand);
    }
  });
  await hers.setRole(bob.self!.userId, 'commenter');
  hers.broadcast('wave', { hand: 'left' });
  hers.setCursor({ x: 1, y: 2 });
  hers.setData({ page: null });
  await rollcall.advance(200);

  const colour: string | undefined = his.others[0]?.data.colour;
  const x: number | undefined = his.others[0]?.cursor?.x;
  const y: number | undefined = his.cursors[0]?.cursor.y;
  const team: string | undefined = his.info?.metadata.team;
  const title: string | undefined = his.info?.metadata.title;
  expect([colour, x, y, team, title, heard]).toEqual(['teal', 1, 2, 'red', undefined, ['left']]);

  // @ts-expect-error the field is no number
  hers.setData({ colour: 7 });
  // @ts-expect-error there is no such field
  hers.setCursor({ x: 1, z: 2 });
  // @ts-expect-error there is no such event
  hers.broadcast('shout');
  // @ts-expect-error there is no such hand
  hers.broadcast('wave', { hand: 'both' });
});

test('a Standard Schema can define the types', () => {
  const schema = { '~standard': { types: undefined as { output: Board } | undefined } };
  const client = createClient({ url: 'ws://127.0.0.1:9/live', token: () => null, schema });
  const typed: Client<Board> = client;
  expect(typed.state).toBe('idle');
});

test('without declared types each value is JSON', async () => {
  const client = rollcall.client('cleo');
  const session = client.open('any', { data: { free: [1, 2] } });
  await session.ready;
  session.setCursor({ anything: { nested: true } });
  session.broadcast('whatever', { x: 1 });
  expect(session.self?.data['free']).toEqual([1, 2]);
});
