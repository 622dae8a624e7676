import { testWeek } from './week-tests.ts';

testWeek({ sessions: 2000, entries: 200_000 });
