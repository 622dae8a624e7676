import { rareMistakes, testMistakes } from './mistake-tests.ts';

testMistakes(rareMistakes);
