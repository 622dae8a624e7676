import { slotFaults } from './slots.ts';

test('[SE3] a user who holds a slot and is not present is named, and a present user without a slot', () => {
  const faults = slotFaults({ sessionId: 's', holders: ['a', 'b'], present: ['b', 'c'] });
  expect(faults).toEqual(['a holds a slot in s and is not present', 'c is present in s and holds no slot']);
  expect(slotFaults({ sessionId: 's', holders: ['a'], present: ['a'] })).toEqual([]);
});
