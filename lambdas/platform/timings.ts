import { readTimings } from '../../protocol/timings.ts';

/** The settings of this function, read and checked once when its environment starts. */
export const timings = readTimings(process.env);
