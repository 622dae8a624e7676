import { ownRedis, testPathsAreEqual } from './fast-path-tests.ts';

testPathsAreEqual(ownRedis(), [
  [6, 2],
  [2, 3],
  [2, 4],
]);
