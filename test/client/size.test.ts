import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const project = join(__dirname, '../..');

test('[row 40] no entry point of the client is larger than its limit', async () => {
  const { stdout } = await run(process.execPath, ['scripts/client-size.mjs', '--check'], { cwd: project });
  expect(stdout).toMatch(/^index: \d+ bytes minified, \d+ with gzip/);
  for (const name of ['react', 'vue', 'ui', 'yjs', 'verify', 'timeline'])
    expect(stdout).toMatch(new RegExp(`^${name}: `, 'm'));
});

test('the guide has the actual sizes of the bundles', async () => {
  const { stdout } = await run(process.execPath, ['scripts/client-size.mjs'], { cwd: project });
  const measured = Object.fromEntries(
    [...stdout.matchAll(/^(\w+): .* (\d+) with gzip/gm)].map(([, name, bytes]) => [name, Number(bytes)]),
  );
  const guide = readFileSync(join(project, 'docs/client.md'), 'utf8');
  const told = Object.fromEntries(
    [...guide.matchAll(/^\| `@rollcall\/client(?:\/(\w+))?` .* ([\d,]+) bytes/gm)].map(([, name = 'index', bytes]) => [
      name,
      Number(bytes!.replace(',', '')),
    ]),
  );
  expect(told).toEqual(measured);
  const [, limit] = /fails if it has more than ([\d,]+) bytes/.exec(guide)!;
  expect(stdout).toContain(`(at most ${limit!.replace(',', '')})`);
});

test('[row 40] the check of sizes fails above a limit', async () => {
  const refused = run(process.execPath, ['scripts/client-size.mjs', '--check', '--index=1000'], { cwd: project });
  await expect(refused).rejects.toMatchObject({ code: 1 });
});

test('no property that the bundle shortens is part of a frame or of the public interface', async () => {
  const source = readFileSync(join(project, 'scripts/private-names.mjs'), 'utf8');
  const names = [...source.matchAll(/^ {2}'(\w+)',$/gm)].map(([, name]) => name!);
  expect(names.length).toBeGreaterThan(20);
  const files = [
    ...['client-api', 'session-api', 'session-events', 'types', 'errors', 'reconnection'].map(
      (name) => `client/${name}.ts`,
    ),
    ...[
      'protocol',
      'client/testing',
      'client/ui',
      'client/yjs',
      'client/react',
      'client/vue',
      'client/verify',
      'client/timeline',
    ].flatMap((folder) =>
      readdirSync(join(project, folder))
        .filter((name) => name.endsWith('.ts'))
        .map((name) => `${folder}/${name}`),
    ),
  ];
  const found = files.flatMap((file) => {
    const code = readFileSync(join(project, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*|'.*?'/g, '');
    const words = new Set(code.match(/\w+/g));
    return names.filter((name) => words.has(name)).map((name) => `${file} ${name}`);
  });
  expect(found).toEqual([]);
});
