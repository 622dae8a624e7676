/** @jest-environment jsdom */
import { reactAdapter } from './react-adapter.ts';
import { testAll } from './suite.ts';

testAll(reactAdapter);
