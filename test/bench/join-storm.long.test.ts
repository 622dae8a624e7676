import { testJoinStorm } from './join-storm-tests.ts';

testJoinStorm(150, {
  fills: '[DE4] when many users join at once, each window causes one diff, and all users see all users',
  returns: '[PR7] a room whose sockets are all cut comes back without anybody being seen to leave or to join',
});
