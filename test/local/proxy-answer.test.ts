import { readProxyAnswer } from '../../local/gateway/proxy-answer.ts';

test.each([
  [200, 200],
  [599, 599],
  ['204', 204],
])('the status %j of a function is %i', (statusCode, expected) => {
  expect(readProxyAnswer({ answer: { statusCode, body: 'hello' } })).toEqual({
    ...{ statusCode: expected, headers: {}, body: 'hello' },
  });
});

test.each([null, undefined, '', ' ', 0, -200, 99, 600, 200.5, '2e2', '0200', true, [200], Number.NaN])(
  'an answer with the status %j is malformed',
  (statusCode) => {
    expect(readProxyAnswer({ answer: { statusCode } })).toBe('failed');
  },
);

test('no answer is a failure', () => {
  expect(readProxyAnswer({ answer: null })).toBe('failed');
});
