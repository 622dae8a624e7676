/**
 * `npm run check:lua`: runs luacheck on every Redis script as Redis runs it, and reports each finding with its file and line.
 * The exit code is 1 if there is a finding.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { composedScripts } from './composed-scripts.ts';
import { findingsOf } from './findings.ts';

/** The globals of Redis scripts in addition to those of Lua 5.1. */
const globals = ['redis', 'cjson', 'KEYS', 'ARGV'];
const options = ['--codes', '--ranges', '--formatter', 'plain', '--std', 'lua51', '--max-line-length', '140'];

/** The report of luacheck about a text. Its exit code is 1 for warnings and 2 for errors; both are in the report. */
function report(file: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile('luacheck', [file, ...options, '--read-globals', ...globals], (error, stdout) => {
      if (error && typeof error.code !== 'number') reject(new Error(`luacheck did not run: ${error.message}`));
      else resolve(stdout);
    });
  });
}

const directory = await mkdtemp(join(tmpdir(), 'rollcall-lua-'));
try {
  const scripts = composedScripts();
  const reports = await Promise.all(
    scripts.map(async ({ name, pieces }) => {
      const file = join(directory, `${name}.lua`);
      await writeFile(file, pieces.map(({ text }) => text).join('\n'));
      return [name, await report(file)] as const;
    }),
  );
  const findings = findingsOf(scripts, new Map(reports));
  for (const finding of findings) console.error(finding);
  if (findings.length === 0) console.log(`luacheck found nothing in ${scripts.length} scripts.`);
  process.exitCode = findings.length === 0 ? 0 : 1;
} finally {
  await rm(directory, { recursive: true, force: true });
}
