import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectDirectory } from '../../lib/bundle.ts';
import { sizes } from '../../lib/settings.ts';
import { SynthesizedTemplate } from './support.ts';

const text = readFileSync(join(projectDirectory, 'docs', 'first-deploy.md'), 'utf8');
const drills = readFileSync(join(projectDirectory, 'docs', 'drills.md'), 'utf8');
const prod = new SynthesizedTemplate('prod');

test.each([
  ['the guide to the first deployment', text],
  ['the page about drills', drills],
])('each resource that %s looks up is in the template once', (_, page) => {
  const looked = [...page.matchAll(/\$\(physical (\w+) ([\w:]+)\)/g)];
  expect(looked.length).toBeGreaterThan(4);
  for (const [, start, type] of looked) {
    const found = prod.ofType(type!).filter(([id]) => id.startsWith(start!));
    expect([start, found.length]).toEqual([start, 1]);
  }
});

test('each output that the guide to the first deployment reads is in the template', () => {
  const read = [...text.matchAll(/\$\(output (\w+)\)/g)].map(([, name]) => name);
  expect(read).toEqual(expect.arrayContaining(['WebSocketUrl', 'HttpUrl', 'AlarmTopicArn']));
  expect(Object.keys(prod.template.toJSON()['Outputs'])).toEqual(expect.arrayContaining(read));
});

test('the guide names the concurrency that prod reserves, and what the account needs for it', () => {
  const reserved = Object.values(sizes.prod.concurrency!).reduce((sum, each) => sum + each, 0);
  // Lambda keeps this many for functions without a reserve.
  const unreserved = 100;
  expect(text).toContain(`prod reserves ${reserved}, ${unreserved} stay free`);
  expect(text).toContain(`prod ${reserved + unreserved} or more`);
});
