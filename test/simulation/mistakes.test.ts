import { quickMistakes, testFailingScript, testMistakes } from './mistake-tests.ts';

testMistakes(quickMistakes);

testFailingScript({ find: 'leaves[#leaves + 1] = userId', replace: "error('a mistake')" });
