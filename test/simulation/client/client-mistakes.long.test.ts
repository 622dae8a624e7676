import { clientWith } from './client-book.ts';
import { clientMistakes, serviceMistakes } from './client-mistakes.ts';
import { clientProfiles } from './client-profile.ts';
import { withClientUniverse } from './client-universe.ts';
import type { ClientUniverse } from './client-world.ts';
import { runClientWorld } from './run-client-world.ts';

const universe = withClientUniverse();
/** Within how many worlds of one kind a mistake must show. */
const mostWorlds = 25;

/** Runs worlds of one kind until one reports the expected violation. */
async function isNoticed(changed: ClientUniverse, kind: string, breaks: string): Promise<boolean> {
  const first = clientProfiles.findIndex(({ name }) => name === kind);
  for (let world = 0; world < mostWorlds; world += 1) {
    const { violations } = await runClientWorld(first + world * clientProfiles.length, changed);
    if (violations.some((violation) => violation.startsWith(breaks))) return true;
  }
  return false;
}

test.each(clientMistakes)(
  '$breaks the simulation notices that $mistake',
  async ({ mistake, breaks, kind, changes }) => {
    const createClient = await clientWith(changes);
    const changed = { ...universe(), createClient, name: `${universe().name}:${mistake}` };
    expect(await isNoticed(changed, kind, breaks)).toBe(true);
  },
);

test.each(serviceMistakes)(
  '$breaks the simulation notices that $mistake',
  async ({ mistake, breaks, kind, change }) => {
    const changed = { ...universe(), changes: [change], name: `${universe().name}:${mistake}` };
    expect(await isNoticed(changed, kind, breaks)).toBe(true);
    expect(changed.book.isApplied(change)).toBe(true);
  },
);
