import { project, runProgram } from '../docs/support.ts';

/** Runs the program of `npm run drill`. */
const drill = (...arguments_: string[]) =>
  runProgram(
    process.execPath,
    [
      ...['--disable-warning=ExperimentalWarning', '--import', './scripts/lua/lua-text.mjs', 'test/drills/main.ts'],
      ...arguments_,
    ],
    { cwd: project, env: {} },
  );

/** The end of an output says why a program failed. Logs cut a long message at its end, so only the end is shown. */
const lastLines = (output: string) => output.trimEnd().split('\n').slice(-30).join('\n');

/** The number after a text of the report. */
function figure(output: string, text: string): number {
  const [, number] = new RegExp(`${text}: (?:after )?(\\d+)`).exec(output) ?? [];
  if (number === undefined) throw new Error(`"${text}" is not in the output. Its last lines:\n${lastLines(output)}`);
  return Number(number);
}

test.each(['rotation', 'zone', 'emptied-cache', 'restore'])(
  'drill %s: nobody is wrongly told to have left, and the chains are valid',
  async (name) => {
    const { code, output } = await drill(name);
    if (code !== 0) throw new Error(`The drill ended with code ${code}. Its last lines:\n${lastLines(output)}`);
    expect(figure(output, 'people wrongly told or recorded to have left')).toBe(0);
    expect(figure(output, 'broken')).toBe(0);
    expect(figure(output, 'audit chains verified')).toBe(3);
    expect(figure(output, 'everybody is seen')).toBeGreaterThan(0);
    const [confirmed, lost] = [figure(output, 'confirmed activities'), figure(output, 'lost')];
    // A restore waits between the last copy of the log and the loss. What was confirmed later comes from the outbox.
    if (name === 'restore') expect([lost > 0, lost < confirmed]).toEqual([true, true]);
    else expect([confirmed > 0, lost]).toEqual([true, 0]);
  },
);

test('an unknown drill is refused with the names of all', async () => {
  expect(await drill('flood')).toMatchObject({
    code: 2,
    output: expect.stringContaining('Name one drill: restore, rotation, zone, emptied-cache.'),
  });
});
