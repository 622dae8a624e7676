import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { project, runProgram } from '../docs/support.ts';

const workflows = join(project, '.github/workflows');
const read = (path: string) => readFileSync(join(project, path), 'utf8');

/** Runs `notesOf`, which is an ES module for Node.js. */
async function notesOf(tag: string, changelog: string, versions: Record<string, string>) {
  const module = pathToFileURL(join(project, 'scripts/release-notes.mjs')).href;
  const call = `notesOf(${JSON.stringify(tag)}, ${JSON.stringify(changelog)}, ${JSON.stringify(versions)})`;
  const program = `import { notesOf } from ${JSON.stringify(module)}; console.log(${call});`;
  return runProgram(process.execPath, ['--input-type=module', '--eval', program], { cwd: project });
}

const changelog = '# Changelog\n\n## Unreleased\n\n## 1.2.0 (2026-12-01)\n\n- A.\n- B.\n\n## 1.1.0\n\n- C.\n';

test('the notes of a release are the section of its version', async () => {
  expect(await notesOf('v1.2.0', changelog, { 'package.json': '1.2.0' })).toEqual({ code: 0, output: '- A.\n- B.\n' });
  expect(await notesOf('v1.1.0', changelog, { 'package.json': '1.1.0' })).toEqual({ code: 0, output: '- C.\n' });
});

test.each([
  ['v1.3.0', '1.3.0', 'has no section "## 1.3.0"'],
  ['v1.2.0', '1.1.0', 'cdk/package.json has version 1.1.0 and not 1.2.0'],
  // `## 1.2` is not the section of 1.2.0.
  ['v1.2', '1.2', 'has no section "## 1.2"'],
])('a release %s with packages of version %s is refused', async (tag, version, problem) => {
  const { code, output } = await notesOf(tag, changelog, { 'cdk/package.json': version });
  expect([code, output]).toEqual([1, expect.stringContaining(problem)]);
});

test('all packages have the same version', () => {
  const versions = ['package.json', 'client/package.json', 'cdk/package.json'].map(
    (path) => JSON.parse(read(path)).version,
  );
  expect(new Set(versions).size).toBe(1);
});

test('the workflow for changes runs .ci/run, and a release does so before it publishes with provenance', () => {
  expect(readdirSync(workflows).sort()).toEqual(['check.yml', 'release.yml']);
  expect(read('.github/workflows/check.yml')).toMatch(/^ {6}- run: \.ci\/run$/m);
  const release = read('.github/workflows/release.yml');
  expect(release).toMatch(/^ {6}- run: \.ci\/run$/m);
  expect(release).toContain('needs: check');
  for (const folder of ['client', 'cdk']) {
    expect(release).toContain(`npm publish ./${folder} --provenance --access public`);
  }
});

test.each(['check.yml', 'release.yml'])('the workflow %s may only read, unless a job asks for more', (name) => {
  const text = read(`.github/workflows/${name}`);
  expect(text).toMatch(/^permissions:\n {2}contents: read$/m);
  // The title of a pull request or the name of a branch may contain commands.
  expect(text).not.toMatch(/run:.*\$\{\{\s*github\.(event|head_ref)/);
  expect(text).not.toContain('pull_request_target');
});
