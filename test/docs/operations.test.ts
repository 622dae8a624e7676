import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { metricUnits } from '../../protocol/metrics.ts';

const page = readFileSync(join(__dirname, '..', '..', 'docs', 'operations.md'), 'utf8');

test('the page about operations has each metric with its unit, and no others', () => {
  const rows = [...page.matchAll(/^\| `(\w+)` +\| (Count|Milliseconds|Percent|Seconds|None) +\|/gm)];
  expect(Object.fromEntries(rows.map(([, name, unit]) => [name, unit]))).toEqual(metricUnits);
});
