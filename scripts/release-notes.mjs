/**
 * `node scripts/release-notes.mjs v1.2.3`: writes the section of this version in CHANGELOG.md. It fails if the section is missing or if
 * a package has another version, so a release begins with both in order.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const packages = ['package.json', 'client/package.json', 'cdk/package.json'];
const read = (file) => readFileSync(fileURLToPath(new URL(`../${file}`, import.meta.url)), 'utf8');

/** The section of a version. @throws Error that names what does not fit. */
export function notesOf(tag, changelog, versions) {
  const version = tag.replace(/^v/, '');
  for (const [file, found] of Object.entries(versions)) {
    if (found !== version) throw new Error(`${file} has version ${found} and not ${version}; set it and tag again.`);
  }
  const heading = `## ${version}`;
  const lines = changelog.split('\n');
  const start = lines.findIndex((line) => line === heading || line.startsWith(`${heading} `));
  if (start < 0) throw new Error(`CHANGELOG.md has no section "${heading}"; rename "## Unreleased" and tag again.`);
  const length = lines.slice(start + 1).findIndex((line) => line.startsWith('## '));
  return lines
    .slice(start + 1, length < 0 ? undefined : start + 1 + length)
    .join('\n')
    .trim();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const versions = Object.fromEntries(packages.map((file) => [file, JSON.parse(read(file)).version]));
    console.log(notesOf(process.argv[2] ?? '', read('CHANGELOG.md'), versions));
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
