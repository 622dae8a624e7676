import { readFileSync } from 'node:fs';
import { mutate } from './bundle.ts';
import { variantGroups } from './variants.ts';

const variants = variantGroups.flatMap((group) => group.variants);

test.each(variants)('the product still has the text that the deliberate mistake changes: $name', ({ mutations }) => {
  for (const mutation of mutations) {
    const source = readFileSync(mutation.file, 'utf8');
    expect(mutate(mutation.file, source, [mutation])).not.toBe(source);
  }
});
