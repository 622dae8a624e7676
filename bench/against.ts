import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Measurement, median, readable } from './measurement.ts';

const defaultRounds = 3;

/** Two checkouts of the project whose figures are compared. */
export interface Comparison {
  /** The folder of this checkout. */
  own: string;
  /** The folder of the other one, an absolute path. */
  other: string;
  rounds: number;
}

/** One figure of both checkouts: the medians of the rounds, and the median of the ratios within a round. */
export interface ComparedFigure {
  what: string;
  unit: string;
  own: number;
  other: number;
  ratio: number;
}

/**
 * Reads `--against=<folder>` and `--rounds=<number>`. Undefined without the first.
 *
 * @throws Error if the number of rounds is not a whole number above zero.
 */
export function comparisonOf(flags: readonly string[], own: string): Comparison | undefined {
  const flagOf = (name: string) => flags.find((flag) => flag.startsWith(`--${name}=`))?.slice(name.length + 3);
  const folder = flagOf('against');
  if (!folder) return undefined;
  const rounds = Number(flagOf('rounds') ?? defaultRounds);
  if (!Number.isInteger(rounds) || rounds < 1) {
    throw new Error('The number of rounds is not valid: give --rounds a whole number above zero.');
  }
  return { own, other: resolve(folder), rounds };
}

/** The flags that the benchmarks themselves get. */
export function withoutComparison(flags: readonly string[]): string[] {
  return flags.filter((flag) => !flag.startsWith('--against=') && !flag.startsWith('--rounds='));
}

/**
 * Compares the rounds of two checkouts. A figure is compared by its name, so one that only one checkout has is left out.
 *
 * @throws Error if the checkouts have no figure in common.
 */
export function compare(own: readonly Measurement[][], other: readonly Measurement[][]): ComparedFigure[] {
  const compared = (own[0] ?? []).flatMap(({ what, unit }): ComparedFigure[] => {
    const valuesOf = (rounds: readonly Measurement[][]) =>
      rounds.map((round) => round.find((one) => one.what === what)?.value ?? Number.NaN);
    const [ours, theirs] = [valuesOf(own), valuesOf(other)];
    if ([...ours, ...theirs].some(Number.isNaN)) return [];
    const ratios = ours.map((value, round) => (value === theirs[round] ? 1 : value / theirs[round]!));
    return [{ what, unit, own: median(ours), other: median(theirs), ratio: median(ratios) }];
  });
  if (compared.length === 0) throw new Error('The two checkouts have no figure in common: compare later versions.');
  return compared;
}

/** Runs a benchmark in turn in both checkouts, so that a slow phase of the machine slows both, and prints the ratios. */
export async function runAgainst(name: string, flags: readonly string[], comparison: Comparison): Promise<void> {
  const rounds = { own: [] as Measurement[][], other: [] as Measurement[][] };
  for (let round = 0; round < comparison.rounds; round++) {
    // The checkouts take turns to run first, because the machine may be warmer for the second one.
    for (const side of round % 2 === 0 ? (['other', 'own'] as const) : (['own', 'other'] as const)) {
      console.log(`\nRound ${round + 1} of ${comparison.rounds}, ${name} in ${comparison[side]}`);
      rounds[side].push(await runIn(comparison[side], name, flags));
    }
  }
  console.log(`\n${name}: this checkout, ${comparison.other}, and the ratio (medians of ${comparison.rounds} rounds)`);
  const figures = compare(rounds.own, rounds.other);
  const width = Math.max(...figures.map(({ what }) => what.length));
  for (const { what, unit, own, other, ratio } of figures) {
    const columns = [readable(own), readable(other), unit, `× ${ratio.toFixed(3)}`];
    console.log(`  ${what.padEnd(width)}  ${columns.join('  ')}`);
  }
}

/** Runs `npm run bench` in a checkout, which installs what is missing there. */
async function runIn(folder: string, name: string, flags: readonly string[]): Promise<Measurement[]> {
  const begun = Date.now();
  const child = spawn(process.execPath, [join(folder, 'scripts', 'run.mjs'), 'bench', name, ...flags], {
    ...{ cwd: folder, stdio: 'inherit' },
  });
  const code = await new Promise<number | null>((done, failed) => child.once('error', failed).once('exit', done));
  if (code !== 0) throw new Error(`The benchmark ${name} failed in ${folder}; run it there to see why.`);
  const report = JSON.parse(await readFile(join(folder, 'bench', 'results', `${name}.json`), 'utf8'));
  if (Date.parse(report.at) < begun) throw new Error(`The benchmark ${name} stored no result in ${folder}.`);
  return report.measurements;
}
