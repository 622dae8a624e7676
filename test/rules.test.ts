import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const project = join(__dirname, '..');
const folders = [
  'bin',
  'lib',
  'lambdas',
  'protocol',
  'client',
  'local',
  'demo',
  'dashboard',
  'bench',
  'scripts',
  'migrations',
];
const citation = /\b(?:PR|DE|SE|SA|AC|AN|OP|LC|CL|CO|WH|FA)[1-9]\d*\b/g;
const page = 'docs/rules.md';

/** The ids that the page defines. */
interface Rules {
  inForce: string[];
  planned: string[];
}

function readRules(text: string): Rules {
  const defined = (part: string) => [...part.matchAll(/^- \*\*([A-Z]{2}\d+)\*\* /gm)].map(([, id]) => id!);
  const [inForce = '', planned = ''] = text.split('\n## Planned\n');
  return { inForce: defined(inForce), planned: defined(planned) };
}

/** The ids at the beginning of test titles, wherever the title stands: in a call or in the table of a `test.each`. */
function provenRules(source: string): string[] {
  return [...source.matchAll(/['"`]((?:\[[A-Z]{2}\d+\] ?)+)/g)].flatMap(([, ids = '']) => ids.match(citation) ?? []);
}

/** What is wrong between the rules and the files that cite and prove them, as sentences. */
function findProblems(rules: Rules, files: Map<string, string>): string[] {
  const cited = [...files].flatMap(([file, text]) => [...new Set(text.match(citation))].map((id) => ({ file, id })));
  const tests = [...files].filter(([file]) => file.endsWith('.test.ts'));
  const proven = new Set(tests.flatMap(([, text]) => provenRules(text)));
  const all = [...rules.inForce, ...rules.planned];
  return [
    ...all.filter((id, index) => all.indexOf(id) !== index).map((id) => `${page} defines ${id} twice.`),
    ...cited.filter(({ id }) => !all.includes(id)).map(({ file, id }) => `${file} cites ${id}, which ${page} lacks.`),
    ...cited
      .filter(({ id }) => rules.planned.includes(id))
      .map(({ file, id }) => `${file} cites ${id}; move it out of the section "Planned" of ${page}.`),
    ...rules.inForce.filter((id) => !proven.has(id)).map((id) => `No test title begins with [${id}].`),
  ];
}

function readTexts(folder: string): [file: string, text: string][] {
  const names = readdirSync(join(project, folder), { recursive: true, encoding: 'utf8' });
  return names
    .filter((name) => /\.(ts|tsx|mjs|js|sql|lua|md)$/.test(name) && !/(^|\/)(node_modules|dist|results)\//.test(name))
    .map((name) => [`${folder}/${name}`, readFileSync(join(project, folder, name), 'utf8')]);
}

const present = readdirSync(project);
const rootPages = present.filter((name) => name.endsWith('.md'));
const files = new Map([
  ...[...folders, 'test', 'docs'].filter((folder) => present.includes(folder)).flatMap(readTexts),
  ...rootPages.map((name) => [name, readFileSync(join(project, name), 'utf8')] as const),
]);
const rules = readRules(files.get(page)!);
// This file cites ids only as examples.
for (const file of [page, 'test/rules.test.ts']) files.delete(file);

test('every cited rule is on the page of rules, and every rule in force has a test that names it', () => {
  expect(rules.inForce.length).toBeGreaterThan(50);
  expect(files.size).toBeGreaterThan(300);
  expect(findProblems(rules, files)).toEqual([]);
});

test('no file refers to a document outside the project', () => {
  const outside = /(?:\.\.|\/work)\/(?:shared|seeds)\b/;
  expect([...files].filter(([, text]) => outside.test(text)).map(([file]) => file)).toEqual([]);
});

describe('the check finds', () => {
  const known: Rules = { inForce: ['PR1'], planned: ['PR2'] };
  const proof: [string, string] = ['test/a.test.ts', "test('[PR1] somebody is present', () => {});"];

  test.each<[what: string, rules: Rules, files: [string, string][], problem: string]>([
    ['a rule that is not on the page', known, [proof, ['lib/a.ts', '// rule PR7']], 'lib/a.ts cites PR7'],
    ['a planned rule that is cited', known, [proof, ['docs/a.md', 'as PR2 says']], 'docs/a.md cites PR2'],
    ['a rule without a test', known, [['lib/a.ts', '// rule PR1']], 'No test title begins with [PR1]'],
    ['an id in the middle of a title', known, [['a.test.ts', "test('see [PR1]', () => {});"]], 'No test title'],
    ['a rule that is there twice', { inForce: ['PR1'], planned: ['PR1'] }, [proof], 'defines PR1 twice'],
  ])('%s', (_, given, texts, problem) => {
    expect(findProblems(given, new Map(texts)).join('\n')).toContain(problem);
  });

  test('nothing where all is in order, also with several ids in a title', () => {
    const both: Rules = { inForce: ['PR1', 'PR7'], planned: [] };
    const texts = new Map([['test/a.test.ts', "test.each([1])('[PR1] [PR7] %s', () => {});"]]);
    expect(findProblems(both, texts)).toEqual([]);
  });

  test('the rules in force and the planned ones', () => {
    expect(readRules('- **PR1** One.\n\n## Planned\n\n- **PR2** Two.\n')).toEqual(known);
  });
});
