import { accessCases } from './parity/access-cases.ts';
import { decisionCases } from './parity/decision-cases.ts';
import { handlersSide } from './parity/handlers-side.ts';
import { inviteCases } from './parity/invite-cases.ts';
import { memorySide } from './parity/memory-side.ts';
import { personCases } from './parity/person-cases.ts';
import { returnCases } from './parity/return-cases.ts';
import type { Side } from './parity/side.ts';
import { sightCases } from './parity/sight-cases.ts';
import { signInCases } from './parity/sign-in-cases.ts';

// The service in memory must answer as the handlers do. Each case sends the same messages to both.

let handlers: Side;
beforeAll(async () => {
  handlers = await handlersSide();
});
afterAll(() => handlers?.close());

const cases = [
  ...accessCases,
  ...decisionCases,
  ...inviteCases,
  ...personCases,
  ...returnCases,
  ...sightCases,
  ...signInCases,
];

describe.each(cases.map((each) => [`[row 37] ${each.title}`, each] as const))('%s', (_, { run, expected }) => {
  test('the handlers', async () => {
    expect(await run(handlers)).toEqual(expected);
  });
  test('the service in memory', async () => {
    const memory = memorySide();
    expect(await run(memory)).toEqual(expected);
    await memory.close();
  });
});
