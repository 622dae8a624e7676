import { testClientWorlds } from './client-worlds-tests.ts';

testClientWorlds('even');
