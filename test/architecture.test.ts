import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brokenRules, importsOf } from './support/import-rules.ts';

const project = join(__dirname, '..');
const folders = ['bin', 'lib', 'lambdas', 'protocol', 'client', 'local', 'demo', 'bench', 'scripts'];
const longestFile = 300;

// The browser SDK has a place of its own that is empty still.
const present = folders.filter((folder) => existsSync(join(project, folder)));
const files = present.flatMap((folder) =>
  readdirSync(join(project, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(ts|tsx|mjs|js)$/.test(name) && !/(^|\/)(node_modules|dist|results)\//.test(name))
    .map((name) => `${folder}/${name}`),
);
const sources = new Map(files.map((file) => [file, readFileSync(join(project, file), 'utf8')]));

test('every source file keeps the rules about who may import whom', () => {
  expect(files.length).toBeGreaterThan(100);
  expect([...sources].flatMap(([file, source]) => brokenRules(file, source))).toEqual([]);
});

test('every import of a file of the project names a file that exists', () => {
  const missing = [...sources].flatMap(([file, source]) =>
    importsOf(file, source)
      .filter(({ isOwn, target }) => isOwn && /\.(ts|tsx|mjs)$/.test(target) && !sources.has(target))
      .map(({ target }) => `${file} → ${target}`),
  );
  expect(missing).toEqual([]);
});

test(`no source file is longer than ${longestFile} lines`, () => {
  const long = [...sources].map(([file, source]) => [file, source.split('\n').length - 1] as const);
  expect(long.filter(([, lines]) => lines > longestFile)).toEqual([]);
});

test('functions and client write no console.log', () => {
  const talkative = [...sources].filter(
    ([file, source]) => /^(lambdas|lib|protocol|client|bin)\//.test(file) && /\bconsole\.log\(/.test(source),
  );
  expect(talkative.map(([file]) => file)).toEqual([]);
});

describe('the rules bite', () => {
  const forbidden: [file: string, statement: string][] = [
    ['protocol/limits.ts', "import { readFile } from 'node:fs/promises';"],
    ['protocol/limits.ts', "import { log } from '../lambdas/runtime/log.ts';"],
    ['client/room.ts', "import { messages } from '../protocol/messages.ts';"],
    ['client/room.ts', "import { z } from 'zod';"],
    ['client/react/hook.ts', "import { PresenceManager } from '../../lambdas/presence/presence-manager.ts';"],
    ['demo/main.ts', "export { messageTypes } from '../protocol/messages.ts';"],
    ['demo/main.ts', "import { startStack } from '../local/stack.ts';"],
    ['lambdas/http.ts', "import { sizes } from '../lib/settings.ts';"],
    ['lambdas/runtime/log.ts', "import { output } from '../../local/output.ts';"],
    ['lambdas/runtime/log.ts', "import { Stack } from 'aws-cdk-lib';"],
    ['lambdas/presence/status.ts', "import { handler } from '../presence.ts';"],
    ['lambdas/presence/status.ts', "import { redis } from '../runtime/redis.ts';"],
    ['lambdas/presence/status.ts', "import { SessionRepository } from '../sessions/session-repository.ts';"],
    ['lambdas/sessions/expiry.ts', "const flows = await import('../flows/announce.ts');"],
    ['lib/sweeps.ts', "import { route } from '../lambdas/runtime/route.ts';"],
    ['lib/sweeps.ts', "import '../local/main.ts';"],
    ['local/stack.ts', "import { sizes } from '../lib/settings.ts';"],
    ['local/stack.ts', "import {\n  environmentNames,\n  tableKeys,\n} from '../lambdas/runtime/environment.ts';"],
    ['bench/main.ts', "import { sizes } from '../lib/settings.ts';"],
    ['lambdas/http.ts', "import { testAddresses } from '../test/support/addresses.ts';"],
  ];

  test.each(forbidden)('%s must not say %j', (file, statement) => {
    expect(brokenRules(file, statement)).not.toEqual([]);
  });

  const allowed: [file: string, statement: string][] = [
    ['protocol/messages.ts', "import { z } from 'zod';"],
    ['client/room.ts', "import type { ClientMessage } from '../protocol/messages.ts';"],
    ['client/room.ts', "import { subprotocol } from '../protocol/frames.ts';"],
    ['client/react/hook.ts', "import { useEffect } from 'react';"],
    ['lambdas/http.ts', "import { SessionManager } from './sessions/session-manager.ts';"],
    ['lambdas/presence/status.ts', "import { log } from '../runtime/log.ts';"],
    ['lambdas/sessions/session-manager.ts', "import { SessionRepository } from './session-repository.ts';"],
    ['lib/sweeps.ts', "import { environmentNames } from '../lambdas/runtime/environment.ts';"],
    ['local/stack.ts', "import { settingNames } from '../protocol/timings.ts';"],
    ['bin/rollcall.ts', "import { RollcallStack } from '../lib/rollcall-stack.ts';"],
  ];

  test.each(allowed)('%s may say %j', (file, statement) => {
    expect(brokenRules(file, statement)).toEqual([]);
  });
});
