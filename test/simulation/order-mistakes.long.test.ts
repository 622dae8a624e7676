import { showsBroken } from './mistake-tests.ts';
import { profiles } from './profile.ts';
import { runSeeds } from './run-world.ts';
import type { TextChange } from './script-book.ts';
import { withSetup } from './with-setup.ts';

const setup = withSetup();

/** Each of these mistakes is noticed in one of these scenarios. */
const seeds = Array.from({ length: 220 }, (_, index) => index);

const ignored: (TextChange & { mistake: string; breaks: string })[] = [
  {
    mistake: 'the order of cursors is ignored',
    breaks: 'PR6',
    find: 'if turn < lastCursor then',
    replace: 'if false then',
  },
  {
    mistake: 'the order of statuses is ignored',
    breaks: 'PR6',
    find: 'if turn < lastStatus then',
    replace: 'if false then',
  },
  {
    mistake: 'an overtaken choice to be away outlasts user activity',
    breaks: 'PR6',
    find: "elseif status == 'away' and turn < lastActed then",
    replace: 'elseif false then',
  },
];

test.each(ignored)('[PR18] $breaks is reported as broken if $mistake', async (change) => {
  const { breaks } = change;
  const name = `${setup().name}:ignored:${ignored.indexOf(change)}`;
  const changed = { ...setup(), bursts: true, changes: [change], name };
  const [caught] = await runSeeds(seeds, changed, { atATime: profiles.length, counts: showsBroken(breaks) });
  expect(setup().book.isApplied(change)).toBe(true);
  expect(caught).toBeDefined();
});

test('[PR18] the simulation notices that the order of joins and leaves is ignored', async () => {
  const change = { find: 'if isOutdated(key, version) then return true end', replace: '' };
  const changed = { ...setup(), bursts: true, changes: [change], name: `${setup().name}:ignored` };
  // The connection table already orders most of them, so few scenarios show it.
  const seeds = Array.from({ length: 3000 }, (_, index) => index);
  const [caught] = await runSeeds(seeds, changed, { atATime: profiles.length });
  expect(setup().book.isApplied(change)).toBe(true);
  expect(caught?.violations.filter((text) => text.startsWith('[FA6]'))).toEqual([]);
});
