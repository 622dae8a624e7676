import { frequentMistakes, testFailingScript, testMistakes } from './mistake-tests.ts';

testMistakes(frequentMistakes);

testFailingScript({ find: 'leaves[#leaves + 1] = userId', replace: "error('a mistake')" });
