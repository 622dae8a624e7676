import { clientWith } from './client-book.ts';
import { type ClientMistake, clientMistakes, serviceMistakes } from './client-mistakes.ts';
import { clientProfiles } from './client-profile.ts';
import { withClientSetup } from './client-setup.ts';
import type { ClientSetup } from './client-world.ts';
import { runClientWorld } from './run-client-world.ts';

const setup = withClientSetup();
/** Within how many worlds of one kind most mistakes must show. */
const mostWorlds = 25;

type Expected = Pick<ClientMistake, 'kind' | 'breaks' | 'within'>;

/** Runs worlds of one kind until one reports the expected violation. */
async function isNoticed(changed: ClientSetup, { kind, breaks, within = mostWorlds }: Expected): Promise<boolean> {
  const first = clientProfiles.findIndex(({ name }) => name === kind);
  for (let world = 0; world < within; world += 1) {
    const { violations } = await runClientWorld(first + world * clientProfiles.length, changed);
    if (violations.some((violation) => violation.startsWith(breaks))) return true;
  }
  return false;
}

test.each(clientMistakes)('$breaks the simulation notices that $mistake', async ({ mistake, changes, ...expected }) => {
  const createClient = await clientWith(changes);
  const changed = { ...setup(), createClient, name: `${setup().name}:${mistake}` };
  expect(await isNoticed(changed, expected)).toBe(true);
});

test.each(serviceMistakes)('$breaks the simulation notices that $mistake', async ({ mistake, change, ...expected }) => {
  const changed = { ...setup(), changes: [change], name: `${setup().name}:${mistake}` };
  expect(await isNoticed(changed, expected)).toBe(true);
  expect(changed.book.isApplied(change)).toBe(true);
});
