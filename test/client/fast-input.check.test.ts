import { testFastInput } from './fast-input-tests.ts';

testFastInput(10);
