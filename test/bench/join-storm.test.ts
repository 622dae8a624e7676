import { testJoinStorm } from './join-storm-tests.ts';

testJoinStorm(80, {
  fills:
    '[DE4] a room that fills at once costs a diff for each window, not for each join, and everybody sees everybody',
  returns: '[PR7] a room whose sockets are all cut comes back without anybody being seen to leave or to join',
});
