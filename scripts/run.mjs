/**
 * What the npm scripts start: `node scripts/run.mjs start|test|test:check|test:long|check|check:aws|check:lua|bench|chaos|drill|build:client|build:cdk|build:dashboard|size:client|audit:verify|cost|scale|smoke|references|at|attendance|keys|webhooks …arguments`.
 *
 * It runs on the installed Node.js (20 or newer) and installs what is missing. Then it starts the Node.js of the npm
 * package `node`, which has the version that the functions have on AWS. It uses no package itself.
 */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runStep } from './run-step.mjs';
import { findChromium, installChromium } from './set-up/chromium.mjs';
import { provideLuacheck } from './set-up/luacheck.mjs';
import { ensurePackages } from './set-up/packages.mjs';
import { provideRedis } from './set-up/redis.mjs';
import { Advice } from './set-up/shell.mjs';

const project = fileURLToPath(new URL('..', import.meta.url));
const binaries = join(project, 'node_modules', '.bin');

/** Commands that start no part of the product, and therefore need no Redis. */
const withoutRedis = [
  'check:aws',
  'check:lua',
  'build:client',
  'build:cdk',
  'build:dashboard',
  'size:client',
  'audit:verify',
  'smoke',
  'references',
  'at',
  'attendance',
  'webhooks',
  'keys',
];

/** The steps of a command: a heading and the arguments for Node.js. */
function stepsOf(command, extra) {
  const bin = (name) => join(binaries, name);
  const jest = [
    '--disable-warning=ExperimentalWarning',
    join(project, 'node_modules', 'jest', 'bin', 'jest.js'),
    ...extra,
  ];
  const withLua = ['--import', new URL('lua/lua-text.mjs', import.meta.url).href];
  const luacheck = ['--disable-warning=ExperimentalWarning', ...withLua, 'scripts/lua/check-lua.ts'];
  const awsCheck = ['--disable-warning=ExperimentalWarning', 'scripts/check-aws.ts'];
  const jestWith = (configuration) => [...jest, '--config', join(project, configuration)];
  switch (command) {
    case 'start':
      return [{ run: ['scripts/attached.mjs', 'local/main.ts', ...extra], ownsSignals: true }];
    case 'bench':
      return [{ run: [...withLua, 'bench/main.ts', ...extra] }];
    case 'chaos':
      return [{ run: [...withLua, 'test/chaos/main.ts', ...extra] }];
    case 'drill':
      return [{ run: ['--disable-warning=ExperimentalWarning', ...withLua, 'test/drills/main.ts', ...extra] }];
    case 'test':
      return [{ run: jest }];
    case 'test:check':
      return [{ run: jestWith('jest.check.config.mjs') }];
    case 'test:long':
      return [{ run: jestWith('jest.long.config.mjs') }];
    case 'check:aws':
      return [{ run: [...awsCheck, ...extra] }];
    case 'check:lua':
      return [{ run: luacheck }];
    case 'check':
      return [
        { heading: 'Format and lint', program: bin('biome'), run: ['ci', '.'] },
        { heading: 'Types', program: bin('tsc'), run: [] },
        { heading: 'Redis scripts', run: luacheck },
        { heading: 'Templates for AWS', run: awsCheck },
        { heading: 'Tests and architecture rules', run: jest },
        { heading: 'Packages, pages, programs and planted mistakes', run: jestWith('jest.check.config.mjs') },
      ];
    case 'build:client':
      return [{ run: ['scripts/build-client.mjs', ...extra] }];
    case 'build:cdk':
      return [{ run: ['--disable-warning=ExperimentalWarning', 'scripts/build-cdk.ts', ...extra] }];
    case 'build:dashboard':
      return [{ run: ['--disable-warning=ExperimentalWarning', 'scripts/build-dashboard.ts', ...extra] }];
    case 'size:client':
      return [{ run: ['scripts/client-size.mjs', ...extra] }];
    case 'references':
      return [{ run: ['--disable-warning=ExperimentalWarning', 'scripts/write-references.ts', ...extra] }];
    case 'audit:verify':
      return [{ run: ['scripts/audit-verify.ts', ...extra] }];
    case 'cost':
    case 'scale':
      return [{ run: ['--disable-warning=ExperimentalWarning', ...withLua, `scripts/${command}.ts`, ...extra] }];
    case 'smoke':
      return [{ run: ['--disable-warning=ExperimentalWarning', 'scripts/smoke.ts', ...extra] }];
    case 'at':
      return [{ run: ['scripts/presence-at.ts', ...extra] }];
    case 'webhooks':
      return [{ run: ['scripts/webhooks.ts', ...extra] }];
    case 'attendance':
      return [{ run: ['scripts/attendance.ts', ...extra] }];
    case 'keys':
      return [{ run: ['scripts/keys.ts', ...extra] }];
    default:
      return undefined;
  }
}

async function main([command, ...extra]) {
  if (Number(process.versions.node.split('.')[0]) < 20) {
    throw new Advice(
      `Rollcall needs Node.js 20 or newer, and this is ${process.version}; install a newer one from https://nodejs.org.`,
    );
  }
  const steps = stepsOf(command, extra);
  if (!steps)
    throw new Advice(
      'The command is missing or unknown; run npm start, npm test, npm run test:check, npm run test:long, npm run check, npm run check:aws, npm run check:lua, npm run bench, npm run chaos, npm run drill, npm run build:client, npm run build:cdk, npm run build:dashboard, npm run size:client, npm run audit:verify, npm run cost, npm run scale, npm run smoke, npm run references, npx rollcall at, npx rollcall attendance, npx rollcall keys or npx rollcall webhooks.',
    );
  await ensurePackages(project);
  const redis = withoutRedis.includes(command) ? { environment: {}, stop: async () => {} } : await provideRedis();
  const environment = {
    ...process.env,
    ...redis.environment,
    PATH: `${binaries}${delimiter}${process.env.PATH ?? ''}`,
  };
  if (['test', 'test:check', 'test:long', 'check'].includes(command)) {
    environment.CHROMIUM_PATH = findChromium() ?? (await installChromium());
  }
  // Only this benchmark opens a browser.
  if (command === 'bench' && extra.includes('dashboard')) {
    environment.CHROMIUM_PATH = findChromium() ?? (await installChromium());
  }
  if (['check', 'check:lua'].includes(command)) await provideLuacheck();
  const node = join(binaries, 'node');
  if (!existsSync(node))
    throw new Advice('The npm package "node" is incomplete: run `npm rebuild node` and start again.');
  try {
    for (const { heading, program = node, run, ownsSignals = false } of steps) {
      if (heading) process.stdout.write(`\n== ${heading}\n`);
      const code = await runStep(program, run, { cwd: project, env: environment, ownsSignals });
      if (code !== 0) return code;
    }
    return 0;
  } finally {
    await redis.stop();
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Advice ? error.message : error.stack}\n`);
  process.exitCode = 1;
}
