// `npm run chaos -- --minutes 20 --users 200 --seed 1`: simulates users while services fail on purpose, and fails if a rule is broken.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { measureAgain, publishSlowness } from '../support/time-limits.ts';
import { runCampaign } from './campaign.ts';
import type { Findings } from './findings.ts';
import { phasesWith } from './phases.ts';
import type { Room } from './room.ts';
import { divideRun } from './run-times.ts';
import { openTestBed } from './test-bed.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '20' },
    users: { type: 'string', default: '200' },
    rooms: { type: 'string', default: '5' },
    seed: { type: 'string', default: '1' },
    /** The mean time between two actions of a user, in milliseconds. */
    pace: { type: 'string', default: '30000' },
  },
});

const minutes = Number(values.minutes);
if (!(minutes > 0)) throw new Error(`--minutes is "${values.minutes}"; set it to a number above zero.`);
const { settings, interruptionMillis, phasesMillis, ...times } = divideRun(minutes, phasesWith(0).length);
/** From this slowness on, a run says that the machine may be the cause of violations. */
const busySlowness = 3;
/** On a machine that is busy at the start, views may be late by this many milliseconds, times its slowness. */
const busyMillis = 5000 * ((await publishSlowness()) - 1);
const begun = Date.now();

function say(line: string): void {
  console.log(`${new Date().toISOString().slice(11, 19)}  ${line}`);
}

function progress(findings: Findings, rooms: Room[]): void {
  const people = rooms.flatMap((room) => room.people);
  const there = people.filter((person) => person.solidTab(Date.now())).length;
  const tabs = people.reduce((sum, person) => sum + person.tabs.length, 0);
  const heard = [...findings.counts]
    .filter(([what]) => what.startsWith('heard'))
    .reduce((sum, [, many]) => sum + many, 0);
  const errors = [...findings.counts].filter(([what]) => what.startsWith('error'));
  const seconds = Math.round((Date.now() - begun) / 1000);
  const answers = errors.map(([what, many]) => `${what.slice(6)} ${many}`).join(', ') || 'none';
  for (const { rule, sentence } of findings.examples.slice(shown)) say(`[${rule}] ${sentence}`);
  shown = findings.examples.length;
  for (const line of newErrors().slice(0, 3)) say(line.slice(0, 1000));
  const megabytes = Math.round(process.memoryUsage().rss / 2 ** 20);
  say(
    `${seconds} s  ${findings.phase}: ${there} of ${people.length} there, ${tabs} tabs, ${heard} frames, errors ${answers}; violations ${findings.total}; ${megabytes} MB`,
  );
}

/** How many lines and examples were already read. */
let told = 0;
let shown = 0;

function newErrors(): string[] {
  const fresh = testBed.lines.slice(told).filter((line) => /\bERROR\b/.test(line));
  told = testBed.lines.length;
  return fresh;
}

function table(title: string, rows: Iterable<[string, number]>): void {
  console.log(`\n${title}`);
  for (const [what, value] of [...rows].sort()) console.log(`  ${what.padEnd(36)} ${String(value).padStart(10)}`);
}

const testBed = await openTestBed(settings);
try {
  say(`The stack runs at ${testBed.http}.`);
  const broken = testBed.failed.then((sentence) => {
    throw new Error(sentence);
  });
  const campaign = runCampaign(testBed, {
    settings,
    users: Number(values.users),
    rooms: Number(values.rooms),
    seed: Number(values.seed),
    paceMillis: Number(values.pace),
    phases: phasesWith(interruptionMillis),
    untilMillis: phasesMillis,
    ...times,
    busyMillis,
    progress,
  });
  const findings = await Promise.race([campaign, broken]);
  table('Seen', findings.counts);
  table('Longest, in milliseconds', findings.worst);
  table('Violations', findings.violations);
  for (const { rule, at, sentence } of findings.examples) console.log(`  [${rule}] ${at} ${sentence}`);
  const results = join(import.meta.dirname, '..', '..', 'bench', 'results');
  await mkdir(results, { recursive: true });
  await writeFile(join(results, 'chaos.log'), `${testBed.lines.join('\n')}\n`);
  const report = {
    ...{ name: 'chaos', at: new Date().toISOString(), ...values, settings },
    counts: Object.fromEntries(findings.counts),
    longestMillis: Object.fromEntries(findings.worst),
    violations: Object.fromEntries(findings.violations),
    examples: findings.examples,
    errors: testBed.lines.filter((line) => /\bERROR\b/.test(line)).slice(0, 200),
  };
  await writeFile(join(results, 'chaos.json'), `${JSON.stringify(report, null, 2)}\n`);
  console.log(
    findings.total === 0
      ? '\nNo rule was violated.'
      : `\n${findings.total} violations. The log lines of the functions are in bench/results/chaos.log.`,
  );
  if (findings.total > 0) {
    process.exitCode = 1;
    const slowness = await measureAgain();
    if (slowness >= busySlowness) {
      console.log(
        `This machine was ${slowness.toFixed(1)} times slower than an idle one, so late views may be its fault. Run it again when the machine is idle.`,
      );
    }
  }
} finally {
  await testBed.close();
}
