import { viewFaults } from './views.ts';

const truth = new Map([
  ['a', { status: 'away', connections: 1 }],
  ['b', { position: undefined }],
  ['c', {}],
]);

test('a view is right if it has the users and the fields that the truth names', () => {
  const shown = new Map([
    ['a', { status: 'away', connections: 1, position: 7 }],
    ['b', { status: 'online' }],
    ['c', { connections: 3 }],
  ]);
  expect(viewFaults(shown, truth)).toEqual([]);
});

test('each difference of a view has a sentence', () => {
  const shown = new Map([
    ['a', { status: 'online', connections: 2 }],
    ['b', { position: 7 }],
    ['d', {}],
  ]);
  expect(viewFaults(shown, truth)).toEqual([
    'd is shown and is gone',
    'a is shown with status online, not away',
    'a is shown with connections 2, not 1',
    'b is shown with position 7, not undefined',
    'c is there and not shown',
  ]);
});
