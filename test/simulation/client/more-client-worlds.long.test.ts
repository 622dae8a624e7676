import { testClientWorlds } from './client-worlds-tests.ts';

// The odd groups are in a separate file, so that two workers share the work.
testClientWorlds('odd');
