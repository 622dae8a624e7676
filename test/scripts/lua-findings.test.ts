import type { ComposedScript } from '../../scripts/lua/composed-scripts.ts';
import { composedScripts } from '../../scripts/lua/composed-scripts.ts';
import { findingsOf } from '../../scripts/lua/findings.ts';

const declared = { file: '<declarations>', text: 'local userId = ARGV[1]' };
const shared = { file: 'shared.lua', text: '-- shared\nlocal function help() end' };
const one: ComposedScript = { name: 'one', pieces: [declared, shared, { file: 'one.lua', text: 'help()' }] };
const two: ComposedScript = { name: 'two', pieces: [declared, shared, { file: 'two.lua', text: '-- two\nreturn 1' }] };

/** Findings from the report of luacheck about each script. */
function findings(lines: { one?: string[]; two?: string[] }): string[] {
  const report = (name: string, own: string[] = []) =>
    [name, own.map((line) => `/tmp/x.lua:${line}\n`).join('')] as const;
  return findingsOf([one, two], new Map([report('one', lines.one), report('two', lines.two)]));
}

test('a finding contains the file and the line that has to be changed', () => {
  const found = findings({ two: ["5:8-8: (W113) accessing undefined variable 'now'"] });
  expect(found).toEqual(["two.lua:2: (W113) accessing undefined variable 'now'"]);
});

test('a finding in a shared file is reported once', () => {
  const line = "3:1-4: (W113) accessing undefined variable 'x'";
  expect(findings({ one: [line], two: [line] })).toEqual(["shared.lua:2: (W113) accessing undefined variable 'x'"]);
});

test('a shared function that no script uses is a finding; one that any script uses is not', () => {
  const line = "3:16-19: (W211) unused function 'help'";
  expect(findings({ two: [line] })).toEqual([]);
  expect(findings({ one: [line], two: [line] })).toEqual(["shared.lua:2: (W211) unused function 'help'"]);
});

test('a shared local may have the name of an argument, but not of a local in the same file', () => {
  expect(findings({ one: ["3:7-9: (W431) shadowing upvalue 'userId' on line 1"] })).toEqual([]);
  expect(findings({ one: ["4:7-9: (W421) shadowing definition of variable 'help' on line 3"] })).toEqual([
    "one.lua:1: (W421) shadowing definition of variable 'help'",
  ]);
});

test('of the declarations, only an error is a finding', () => {
  expect(findings({ one: ["1:1-3: (W211) unused variable 'userId'"] })).toEqual([]);
  expect(findings({ one: ['1:1-3: (E011) expected expression'] })).toEqual([
    '<declarations>:1: (E011) expected expression',
  ]);
});

test('luacheck reads every script of the product', () => {
  const names = composedScripts().map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(['touch', 'join', 'restore', 'claimDue', 'rateLimit']));
  expect(new Set(names).size).toBe(names.length);
});
