/**
 * `npm run bench [-- name …]`: runs the named benchmarks, or all. It prints the results and stores them as JSON. With
 * `--against=<folder> [--rounds=3]` it runs them in turn in this checkout and in another one, and prints the ratios.
 */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { basename, join } from 'node:path';
import { comparisonOf, runAgainst, withoutComparison } from './against.ts';
import { type Bench, type Measurement, readable } from './measurement.ts';

const folder = join(import.meta.dirname, 'cases');
const results = join(import.meta.dirname, 'results');
const checkout = join(import.meta.dirname, '..');

async function names(): Promise<string[]> {
  return (await readdir(folder)).map((file) => basename(file, '.ts')).sort();
}

/** Returns the figures with their ratios as rows of a table. */
function rowsOf(measurements: Measurement[]) {
  const values = new Map(measurements.map(({ what, value }) => [what, value]));
  return measurements.map(({ what, value, unit, comparedWith }) => {
    const base = comparedWith === undefined ? undefined : values.get(comparedWith);
    return { what, value, unit, ratio: base === undefined ? undefined : value / base, comparedWith };
  });
}

function print(title: string, rows: ReturnType<typeof rowsOf>): void {
  console.log(`\n${title}`);
  const lines = rows.map(({ what, value, unit, ratio, comparedWith }) => [
    what,
    `${readable(value)} ${unit}`,
    ratio === undefined ? '' : `${readable(ratio)} × ${comparedWith}`,
  ]);
  const widths = [0, 1].map((column) => Math.max(...lines.map((line) => line[column]!.length)));
  for (const [what, value, ratio] of lines) {
    console.log(`  ${what!.padEnd(widths[0]!)}  ${value!.padStart(widths[1]!)}  ${ratio}`.trimEnd());
  }
}

async function benchOf(name: string): Promise<Bench> {
  return ((await import(join(folder, `${name}.ts`))) as { bench: Bench }).bench;
}

async function runOne(name: string, arguments_: string[]): Promise<void> {
  const bench = await benchOf(name);
  if (bench.talks) console.log(`\n${bench.title}`);
  const rows = rowsOf(await bench.run(arguments_));
  if (!bench.talks) print(bench.title, rows);
  await mkdir(results, { recursive: true });
  const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version };
  const report = { name, title: bench.title, at: new Date().toISOString(), machine, measurements: rows };
  await writeFile(join(results, `${name}.json`), `${JSON.stringify(report, null, 2)}\n`);
}

const known = await names();
const chosen = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const flags = process.argv.slice(2).filter((argument) => argument.startsWith('--'));
const unknown = chosen.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(`There is no benchmark ${unknown.join(', ')}; there are ${known.join(', ')}.`);
  process.exitCode = 1;
} else {
  const comparison = comparisonOf(flags, checkout);
  for (const name of chosen.length > 0 ? chosen : known) {
    if (comparison && !(await benchOf(name)).comparesItself)
      await runAgainst(name, withoutComparison(flags), comparison);
    else await runOne(name, flags);
  }
}
