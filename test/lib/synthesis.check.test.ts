import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectDirectory } from '../../lib/bundle.ts';
import { sizes } from '../../lib/settings.ts';

interface Outcome {
  code: number;
  stderr: string;
  directory: string;
}

const directories: string[] = [];

/** Runs the app as `npx cdk` and `npm start` do, with only the given environment variables. */
async function synthesize(environment: Record<string, string> = {}): Promise<Outcome> {
  const directory = await mkdtemp(join(tmpdir(), 'rollcall-synthesis-'));
  directories.push(directory);
  const env = { PATH: process.env['PATH'], CDK_OUTDIR: directory, ...environment };
  return new Promise((resolve) => {
    execFile(process.execPath, ['bin/rollcall.ts'], { cwd: projectDirectory, env }, (error, _, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stderr, directory }),
    );
  });
}

afterAll(() => Promise.all(directories.map((directory) => rm(directory, { recursive: true }))));

async function templateOf({ directory }: Outcome) {
  return JSON.parse(await readFile(join(directory, 'Rollcall.template.json'), 'utf8'));
}

describe('the synthesized assembly', () => {
  let first: Outcome;
  let second: Outcome;

  beforeAll(async () => {
    [first, second] = await Promise.all([synthesize(), synthesize({ CDK_VALIDATION: 'false' })]);
  });

  test("needs no credentials and passes CloudFormation's own validation", async () => {
    expect(first).toMatchObject({ code: 0, stderr: '' });
    const report = JSON.parse(await readFile(join(first.directory, 'validation-report.json'), 'utf8'));
    expect(report.pluginReports).toEqual([]);
  });

  test('is the same on each run, so that a deployment replaces only what changed', async () => {
    expect(await templateOf(second)).toEqual(await templateOf(first));
    const assets = async ({ directory }: Outcome) =>
      (await readdir(directory)).filter((name) => name.startsWith('asset.')).sort();
    expect(await assets(second)).toEqual(await assets(first));
  });

  test('has the addresses of both APIs as outputs', async () => {
    const { Outputs } = await templateOf(first);
    expect(JSON.stringify(Outputs.WebSocketUrl)).toMatch(/wss:.*\/live/);
    expect(JSON.stringify(Outputs.HttpUrl)).toContain('https:');
  });

  test('contains the migrations next to the code that runs them', async () => {
    const { Resources } = await templateOf(first);
    const functions = Object.entries<{ Type: string; Properties: { Code: { S3Key: string } } }>(Resources);
    const [, migrate] = functions.find(([id, { Type }]) => Type === 'AWS::Lambda::Function' && /^Migrate/.test(id))!;
    const asset = join(first.directory, `asset.${migrate.Properties.Code.S3Key.replace('.zip', '')}`);
    const brought = await readdir(join(asset, 'migrations'));
    expect(brought).toEqual(await readdir(join(projectDirectory, 'migrations')));
    expect(brought.length).toBeGreaterThan(0);
    expect(await readdir(asset)).toContain('index.mjs');
  });
});

test.each([
  ['dev', 'staging'],
  ['prod', 'staging-prod'],
])('an account can have several: with a name the stack of %s is called %s', async (environment, stackName) => {
  const { code, directory } = await synthesize({
    ROLLCALL_ENVIRONMENT: environment,
    CDK_VALIDATION: 'false',
    CDK_CONTEXT_JSON: JSON.stringify({ name: 'staging' }),
  });
  expect(code).toBe(0);
  const manifest = JSON.parse(await readFile(join(directory, 'manifest.json'), 'utf8'));
  expect(manifest.artifacts.Rollcall.properties.stackName).toBe(stackName);
});

test('on request the stack has a user pool, and its ids are outputs', async () => {
  const outcome = await synthesize({ CDK_VALIDATION: 'false', CDK_CONTEXT_JSON: JSON.stringify({ cognito: 'true' }) });
  expect(outcome).toMatchObject({ code: 0, stderr: '' });
  const { Outputs, Parameters } = await templateOf(outcome);
  expect(Object.keys(Outputs)).toEqual(expect.arrayContaining(['UserPoolId', 'UserPoolClientId']));
  expect(Parameters.JwtIssuer).toBeUndefined();
});

test('an invalid setting is refused with one sentence and nothing else', async () => {
  const { code, stderr } = await synthesize({ HEARTBEAT_TIMEOUT_SECONDS: 'soon' });
  expect(code).toBe(1);
  expect(stderr).toBe('HEARTBEAT_TIMEOUT_SECONDS is "soon"; set it to a number above zero (the default is 30).\n');
});

test('an unknown environment is refused with a list of the known ones', async () => {
  const { code, stderr } = await synthesize({ ROLLCALL_ENVIRONMENT: 'production' });
  expect([code, stderr]).toEqual([
    1,
    `ROLLCALL_ENVIRONMENT is "production"; set it to ${Object.keys(sizes).join(' or ')}.\n`,
  ]);
});
