import { quickMistakes, testMistakes } from './mistake-tests.ts';

testMistakes(quickMistakes);
