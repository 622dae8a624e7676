import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expectWithin, scaleLimit, scaleSettings, timeLimits } from './support/time-limits.ts';

const source = 'test/support/time-limits.ts';
const number = String.raw`\d[\d_]*`;

/** Ways to write a limit that does not know how fast the machine is. */
const fixedLimits: readonly [what: string, pattern: RegExp][] = [
  ['a number as the limit of a test or hook', /^\s*\},\s*\d[\d_]{3,},?\s*\);/m],
  ['a limit for all tests', /jest\.setTimeout\(|\btestTimeout\b/],
  ['a constant patience', new RegExp(String.raw`patience\w*millis\s*[:=]\s*${number}`, 'i')],
  ['a fixed deadline', /\b(?:end|ends|until|deadline) = (?:Date|performance)\.now\(\) \+ \d[\d_]*(?! \*)\b(?!\.)/],
  [
    'a bound of a measured time that does not know how busy the machine is now',
    /(?:now\(\) - \w+|\bmillis)\)\.toBeLessThan(?:OrEqual)?\((?!\w+\.millis\))/i,
  ],
  // A smaller number is a count of time-outs.
  ['a constant time-out', /\btimeout: \d[\d_]{2,}/],
  ['a page whose waits have the limit of Playwright', /\.new(?:Page|Context)\(/],
];

const bound = 'a bound of a measured time that does not know how busy the machine is now';

/** Limits in virtual time, which no machine makes slower. */
const virtual = ['test/client/double.test.ts', 'test/simulation/simulated-client.ts'];
/** The one that hands the limits to Jest, the limits themselves, and this file with its examples. */
const home = [source, 'test/support/limit-tests.ts', 'test/support/browser.ts', 'test/time-limits.test.ts'];

function findFixedLimits(text: string): string[] {
  return fixedLimits.filter(([, pattern]) => pattern.test(text)).map(([what]) => what);
}

test('all time limits of the tests come from one file', () => {
  const names = readdirSync(__dirname, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  const files = names.map((name) => `test/${name}`).filter((file) => ![...home, ...virtual].includes(file));
  const found = files.flatMap((file) =>
    findFixedLimits(readFileSync(join(__dirname, '..', file), 'utf8')).map(
      (what) => `${file} has ${what}: use ${source}`,
    ),
  );
  expect(files.length).toBeGreaterThan(100);
  expect(found).toEqual([]);
});

test.each([
  ['test("a", async () => {\n}, 90_000);', 'a number as the limit of a test or hook'],
  ['test(\n  "a",\n  async () => {\n  },\n  90_000,\n);', 'a number as the limit of a test or hook'],
  ['jest.setTimeout(5);', 'a limit for all tests'],
  ['const patienceMillis = 10_000;', 'a constant patience'],
  ['const end = Date.now() + 15_000;', 'a fixed deadline'],
  ['await page.waitForFunction(look, undefined, { timeout: 2000 });', 'a constant time-out'],
  ['const page = await browser.newPage();', 'a page whose waits have the limit of Playwright'],
  ['expect(Date.now() - started).toBeLessThan(900);', bound],
  ['expect(millis).toBeLessThan(offline + 5000);', bound],
  ['expect(millis).toBeLessThan(scaleLimit(900));', bound],
])('a fixed limit is noticed: %j', (text, what) => {
  expect(findFixedLimits(text)).toEqual([what]);
});

test('limits and durations of the product grow with the time that the machine needs', () => {
  const before = process.env['TEST_SLOWNESS'];
  try {
    process.env['TEST_SLOWNESS'] = '1';
    const quiet = timeLimits.event;
    process.env['TEST_SLOWNESS'] = '2.5';
    expect(timeLimits.event).toBe(2.5 * quiet);
    expect(scaleLimit(100)).toBe(250);
    expect(scaleSettings({ HEARTBEAT_TIMEOUT_SECONDS: '2', BATCH_MILLIS: '100' })).toEqual({
      HEARTBEAT_TIMEOUT_SECONDS: '5',
      BATCH_MILLIS: '100',
    });
  } finally {
    process.env['TEST_SLOWNESS'] = before;
  }
});

test('a bound of a measured time is judged by the speed of the machine at that moment', async () => {
  const before = process.env['TEST_SLOWNESS'];
  try {
    process.env['TEST_SLOWNESS'] = '1';
    await expectWithin(99, 100);
    await expectWithin(599, 100, 500);
    // Whatever the machine does, it is not a thousand times slower now.
    await expect(expectWithin(100_000, 100)).rejects.toThrow('toBeLessThan');
  } finally {
    process.env['TEST_SLOWNESS'] = before;
  }
});
