/** @jest-environment jsdom */
import { bareAdapter } from './bare-adapter.ts';
import { testAll } from './suite.ts';

testAll(bareAdapter);
