import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const project = join(__dirname, '../..');

test('[row 40] no entry point of the client is larger than its limit', async () => {
  const { stdout } = await run(process.execPath, ['scripts/client-size.mjs', '--check'], { cwd: project });
  expect(stdout).toMatch(/^index: \d+ bytes minified, \d+ with gzip/);
});

test('[row 40] the check fails above a limit', async () => {
  const refused = run(process.execPath, ['scripts/client-size.mjs', '--check', '--index=1000'], { cwd: project });
  await expect(refused).rejects.toMatchObject({ code: 1 });
});
