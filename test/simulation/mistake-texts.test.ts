import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { presenceScripts } from '../../lambdas/presence/scripts/scripts.ts';
import { sweepScripts } from '../../lambdas/presence/scripts/sweep/sweep-scripts.ts';
import { clientMistakes, serviceMistakes } from './client/client-mistakes.ts';
import { mistakes } from './mistakes.ts';
import { ignoredOrders, ignoredVersions } from './order-mistakes.ts';

// A mistake whose text is in no script proves nothing. The simulations say so too, but they run only in the check.
const shipped = [...Object.values(presenceScripts), ...Object.values(sweepScripts).map(({ piece }) => piece.text)].join(
  '\n',
);
const changes = [...mistakes, ...ignoredOrders, ignoredVersions, ...serviceMistakes.map(({ change }) => change)];

test('the text of each deliberate mistake is in a shipped script', () => {
  expect(changes.map(({ find }) => find).filter((find) => !shipped.includes(find))).toEqual([]);
});

test('the text of each deliberate mistake is in its file of the client', async () => {
  const missing: string[] = [];
  for (const { file, find } of clientMistakes.flatMap((mistake) => mistake.changes)) {
    const text = await readFile(join(__dirname, '../../client', file), 'utf8');
    if (!text.includes(find)) missing.push(`${file}: ${find}`);
  }
  expect(missing).toEqual([]);
});
