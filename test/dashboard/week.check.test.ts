import { testWeek } from './week-tests.ts';

testWeek({ sessions: 200, entries: 20_000 });
