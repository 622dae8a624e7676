/** @jest-environment jsdom */

import { testAll } from './suite.ts';
import { vueAdapter } from './vue-adapter.ts';

testAll(vueAdapter);
