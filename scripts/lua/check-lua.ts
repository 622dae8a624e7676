/**
 * `npm run check:lua`: lets luacheck read every Redis script as Redis runs it, and names each finding by its file. Ends with 1
 * if there is one.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { composedScripts } from './composed-scripts.ts';
import { findingsOf } from './findings.ts';

/** What Redis gives to every script, beside the functions of Lua 5.1. */
const globals = ['redis', 'cjson', 'KEYS', 'ARGV'];
const options = ['--codes', '--ranges', '--formatter', 'plain', '--std', 'lua51', '--max-line-length', '140'];

/** luacheck's report about a text. It ends with 1 for warnings and with 2 for errors, and reports both. */
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
