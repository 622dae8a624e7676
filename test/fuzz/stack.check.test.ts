import type { Mutation } from '../campaign/bundle.ts';
import { expectNoFindings, fuzzFrames, fuzzSeed } from './report.ts';
import type { Person } from './socket-stage.ts';
import { StackFuzzer } from './stack-fuzz.ts';

/** A mistake in the source of the functions, frames that show it, and the first finding. */
interface Planted {
  what: string;
  mutation: Mutation;
  frames: readonly (readonly [Person, string])[];
  seen: RegExp;
}

const planted = {
  machine: {
    what: 'a refused user is stored',
    mutation: {
      file: 'lambdas/machines/machine-repository.ts',
      from: 'SELECT owner_id, $3 FROM registered ON CONFLICT',
      to: 'VALUES ($2::uuid, $3) ON CONFLICT',
    },
    frames: [
      ['owner', '{"type":"machine_register","requestId":"r","machineId":"planted","name":"M"}'],
      ['claimed', '{"type":"machine_register","requestId":"r","machineId":"planted","name":"M"}'],
    ],
    seen: /^It was refused with .* and changed: users INSERT/,
  },
  session: {
    what: 'text is accepted that a store cannot hold',
    mutation: {
      file: 'protocol/text.ts',
      from: 'export function textProblem(text: string): string | undefined {',
      to: 'export function textProblem(text: string): string | undefined {\n  if (text) return undefined;',
    },
    frames: [['owner', '{"type":"session_create","requestId":"r","operationId":"o","metadata":{"name":"\\u0000"}}']],
    seen: /^The answer is INTERNAL/,
  },
  default: {
    what: 'what is no message is never answered',
    mutation: {
      file: 'lambdas/adapters/route.ts',
      from: "if ('refusal' in request) throw request.refusal;",
      to: "if ('refusal' in request) await new Promise(() => {});",
    },
    frames: [['viewer', '[]']],
    seen: /Task timed out/,
  },
} satisfies Record<string, Planted>;
const mistakes: Planted[] = Object.values(planted);

test('none of 1,000 frames over real sockets ends a function, hangs, is answered with internal text, or changes what is stored although it was refused', async () => {
  const fuzzer = await StackFuzzer.start();
  try {
    const { findings } = await fuzzer.sendAll(mistakes.flatMap(({ frames }) => frames));
    expect(findings).toEqual([]);
    const run = await fuzzer.run(fuzzSeed(), fuzzFrames(1000));
    const { seed, answers, stored } = run;
    process.stdout.write(`Seed ${seed}: ${JSON.stringify(answers)}; ${stored} frames changed a store.\n`);
    expectNoFindings(run);
  } finally {
    await fuzzer.close();
  }
});

describe('the test finds the planted mistake that', () => {
  let fuzzer: StackFuzzer;
  beforeAll(async () => {
    const { machine, session, default: fallback } = planted;
    fuzzer = await StackFuzzer.start({
      machine: [machine.mutation],
      session: [session.mutation],
      default: [fallback.mutation],
    });
  });
  afterAll(() => fuzzer.close());

  test.each(mistakes)('$what', async ({ frames, seen }) => {
    const { findings } = await fuzzer.sendAll(frames);
    expect(findings[0]?.what).toMatch(seen);
  });
});
