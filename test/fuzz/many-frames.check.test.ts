import { Fuzzer } from './fuzz-run.ts';
import { expectNoFindings, fuzzFrames, fuzzSeed } from './report.ts';

// `FUZZ_SEED` chooses other frames, and `FUZZ_FRAME` sends only one of them to a fresh stage.

test('none of 100,000 frames fails, hangs, is answered with internal text, or changes what is stored although it was refused', async () => {
  const fuzzer = await Fuzzer.start();
  const before = process.cpuUsage();
  const run = await fuzzer.run(fuzzSeed(), fuzzFrames(100_000));
  const { user, system } = process.cpuUsage(before);
  await fuzzer.close();
  const { seed, answers, stored } = run;
  process.stdout.write(
    `Seed ${seed}: ${JSON.stringify(answers)}; ${stored} frames reached a store; ${Math.round((user + system) / 1e6)} s of CPU.\n`,
  );
  expectNoFindings(run);
});
