import { routeKeyOf } from '../../local/gateway/route-key.ts';

test.each([
  ['{"type":"echo"}', 'echo'],
  ['{"type":7}', '7'],
  ['{"type":true}', 'true'],
  ['{"type":null}', '$default'],
  ['{"type":{"a":1}}', '$default'],
  ['{"type":""}', '$default'],
  ['{"type":"$connect"}', '$default'],
  ['{}', '$default'],
  ['null', '$default'],
  ['{"type"', '$default'],
])('the message %s selects the route %s', (body, key) => {
  expect(routeKeyOf(body, 'type')).toBe(key);
});
