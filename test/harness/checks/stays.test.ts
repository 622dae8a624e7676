import { type Movement, stayFaults } from './stays.ts';

/** A trail of one user: `+` is a join, `-` a leave. */
const trailOf = (text: string): Movement[] =>
  [...text].map((sign, at) => ({ sessionId: 's', userId: 'u', type: sign === '+' ? 'user_joined' : 'user_left', at }));

test.each([
  { trail: '+-+', isPresent: true, kind: undefined },
  { trail: '+-', isPresent: false, kind: undefined },
  { trail: '+-', isPresent: undefined, kind: undefined },
  { trail: '++-', isPresent: false, kind: 'alternation' },
  { trail: '+--+', isPresent: true, kind: 'alternation' },
  { trail: '-+', isPresent: true, kind: 'beginning' },
  { trail: '--', isPresent: false, kind: 'alternation' },
  { trail: '+-', isPresent: true, kind: 'end' },
  { trail: '+', isPresent: false, kind: 'end' },
])('the trail $trail of a user who is present: $isPresent has the fault $kind', ({ trail, isPresent, kind }) => {
  const told = isPresent === undefined ? undefined : () => isPresent;
  expect(stayFaults(trailOf(trail), told).map((fault) => fault.kind)).toEqual(kind ? [kind] : []);
});

test('the trails of users and sessions are independent, and the sentence names both', () => {
  const [first] = trailOf('+');
  const movements = [first!, { ...first!, userId: 'v' }, { ...first!, sessionId: 't' }, { ...first!, sessionId: 't' }];
  expect(stayFaults(movements)).toMatchObject([
    { sessionId: 't', userId: 'u', sentence: expect.stringMatching(/^u in t joined twice/) },
  ]);
});
