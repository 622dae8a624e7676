import { testFastInput } from './fast-input-tests.ts';

testFastInput('[row 42] ten minutes of pointer events at 1,000 Hz and typing stay below the rate limit', 10);
