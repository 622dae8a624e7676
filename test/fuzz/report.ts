import type { FuzzRun } from './fuzz-run.ts';

/** `FUZZ_SEED`, or a fixed seed. */
export const fuzzSeed = () => Number(process.env['FUZZ_SEED'] ?? 20_261_129);

/** The numbers of the frames of a run: only that of `FUZZ_FRAME`, if it is set. */
export function fuzzFrames(count: number): [number, number] {
  const only = process.env['FUZZ_FRAME'];
  return only === undefined ? [0, count] : [Number(only), Number(only) + 1];
}

/** @throws with the frames of the findings, and the command that sends the first of them again. */
export function expectNoFindings({ seed, findings }: FuzzRun): void {
  const [first] = findings;
  const again = first && `FUZZ_SEED=${seed} FUZZ_FRAME=${first.frame} npm run test:check -- test/fuzz`;
  expect({ again, findings }).toEqual({ again: undefined, findings: [] });
}
