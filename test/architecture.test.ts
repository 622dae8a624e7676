import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { brokenRules, circlesOf, hasRule, importsOf, layers, replacedModules } from './support/import-rules.ts';

const project = join(__dirname, '..');
const folders = [
  'bin',
  'cdk',
  'lib',
  'lambdas',
  'protocol',
  'client',
  'local',
  'demo',
  'dashboard',
  'bench',
  'scripts',
];
const longestFile = 300;

const present = folders.filter((folder) => existsSync(join(project, folder)));
const files = present.flatMap((folder) =>
  readdirSync(join(project, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(ts|tsx|mjs|js)$/.test(name) && !/(^|\/)(node_modules|dist|results)\//.test(name))
    .map((name) => `${folder}/${name}`),
);
const sources = new Map(files.map((file) => [file, readFileSync(join(project, file), 'utf8')]));

test('every source file keeps the rules about imports', () => {
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

test('every source file has a rule, and every layer has files', () => {
  expect(files.filter((file) => !hasRule(file))).toEqual([]);
  const empty = layers.flat().filter((folder) => !files.some((file) => file.startsWith(`${folder}/`)));
  expect(empty).toEqual([]);
});

/** The imports of each module, types included. */
const graph = new Map(
  [...sources].map(([file, source]) => [
    file,
    importsOf(file, source).flatMap(({ isOwn, target }) => (isOwn ? [target] : [])),
  ]),
);

/** The imports of each folder. */
function foldersOf(modules: ReadonlyMap<string, readonly string[]>): Map<string, string[]> {
  const folders = new Map<string, string[]>();
  for (const [file, targets] of modules) {
    folders.set(dirname(file), [...(folders.get(dirname(file)) ?? []), ...targets.map((target) => dirname(target))]);
  }
  return folders;
}

test('no module is part of an import circle, types included', () => {
  expect(circlesOf(graph)).toEqual([]);
});

test('no folder of the functions is part of an import circle, types included', () => {
  const functions = [...graph].filter(([file]) => /^(lambdas|protocol|lib)\//.test(file));
  expect(circlesOf(foldersOf(new Map(functions)))).toEqual([]);
});

test('the check finds a circle of modules or folders', () => {
  const round = new Map([
    ['a/one.ts', ['b/two.ts']],
    ['b/two.ts', ['c/three.ts']],
    ['c/three.ts', ['a/four.ts']],
    ['a/four.ts', []],
  ]);
  expect(circlesOf(round)).toEqual([]);
  expect(circlesOf(foldersOf(round))).toEqual([['a', 'b', 'c']]);
  expect(circlesOf(new Map([...round, ['a/four.ts', ['a/one.ts']]]))).toEqual([
    ['a/four.ts', 'a/one.ts', 'b/two.ts', 'c/three.ts'],
  ]);
});

test('the check finds a folder without a rule', () => {
  expect(['lambdas/new/file.ts', 'lambdas/file.ts', 'lambdas/flows/file.ts', 'new/file.ts'].filter(hasRule)).toEqual(
    [],
  );
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

test('no test replaces a module of the project; it passes doubles as services', () => {
  const names = readdirSync(__dirname, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  expect(names.length).toBeGreaterThan(100);
  const replaced = names.flatMap((name) =>
    replacedModules(readFileSync(join(__dirname, name), 'utf8')).map((module) => `test/${name} → ${module}`),
  );
  expect(replaced).toEqual([]);
});

test.each([
  ["jest.mock('../lambdas/platform/log.ts', () => ({}));", ['../lambdas/platform/log.ts']],
  ['jest.doMock("./helper.ts");', ['./helper.ts']],
  ['jest\n  .unstable_mockModule(\n    `../a.ts`,\n    make,\n  );', ['../a.ts']],
  ["jest.mock<typeof import('../a.ts')>('../a.ts', make);", ['../a.ts']],
  ["jest.requireMock('../lambdas/platform/log.ts').log;", ['../lambdas/platform/log.ts']],
  ["jest.createMockFromModule('../a.ts');", ['../a.ts']],
  ["jest.mock('@aws-sdk/client-lambda');", []],
  ["jest.spyOn(store, 'visit'); const post = jest.fn(); await import('../a.ts');", []],
])('of %j the check finds the modules %j of the project', (source, modules) => {
  expect(replacedModules(source)).toEqual(modules);
});

describe('the check of imports', () => {
  const forbidden: [file: string, statement: string][] = [
    ['protocol/limits.ts', "import { readFile } from 'node:fs/promises';"],
    ['protocol/limits.ts', "import { log } from '../lambdas/platform/log.ts';"],
    ['client/room.ts', "import { messages } from '../protocol/messages.ts';"],
    ['client/room.ts', "import { z } from 'zod';"],
    ['client/react/hook.ts', "import { PresenceManager } from '../../lambdas/presence/presence-manager.ts';"],
    ['demo/main.ts', "export { messageTypes } from '../protocol/messages.ts';"],
    ['demo/main.ts', "import type { Role } from '../protocol/entities.ts';"],
    ['demo/main.ts', "import { createPresence } from '../client/presence.ts';"],
    ['demo/main.ts', "import { startStack } from '../local/stack.ts';"],
    ['dashboard/main.ts', "import { errorCodes } from '../protocol/errors.ts';"],
    ['dashboard/main.ts', "import { element } from '../demo/room/dom.ts';"],
    ['dashboard/data/live.ts', "import { createClient } from '../../client/client.ts';"],
    ['lambdas/handlers/http.ts', "import { sizes } from '../../lib/settings.ts';"],
    ['lambdas/platform/log.ts', "import { output } from '../../local/output.ts';"],
    ['lambdas/platform/log.ts', "import { Stack } from 'aws-cdk-lib';"],
    ['lambdas/presence/status.ts', "import { handler } from '../handlers/presence.ts';"],
    ['lambdas/presence/status.ts', "import { presence } from '../composition/presence.ts';"],
    ['lambdas/flows/presence/announce.ts', "import { services } from '../../composition/services.ts';"],
    ['lambdas/flows/presence/announce.ts', "import { log } from '../../platform/log.ts';"],
    ['lambdas/presence/status.ts', "import { SessionRepository } from '../sessions/session-repository.ts';"],
    ['lambdas/sessions/expiry.ts', "const flows = await import('../flows/presence/announce.ts');"],
    ['lambdas/presence/status.ts', "import type { Caller } from '../flows/callers/caller.ts';"],
    ['lambdas/delivery/broadcaster.ts', "import { ConnectionRegistry } from '../connections/connection-registry.ts';"],
    ['lambdas/presence/status.ts', "import { redis } from '../platform/redis.ts';"],
    ['lambdas/platform/redis.ts', "import { presenceKeys } from '../presence/keys.ts';"],
    ['lambdas/services/services.ts', "import type { announce } from '../flows/presence/announce.ts';"],
    ['lambdas/flows/presence/announce.ts', "import { joinSession } from '../joining/join-session.ts';"],
    ['lambdas/flows/presence/announce.ts', "import type { HttpAnswer } from '../../adapters/http/http-route.ts';"],
    ['lambdas/adapters/route.ts', "import { handler } from '../handlers/session.ts';"],
    ['protocol/limits.ts', "import type { Caller } from '../lambdas/flows/callers/caller.ts';"],
    ['scripts/audit-verify.ts', "import { startStack } from '../local/stack.ts';"],
    ['bin/rollcall.ts', "import { log } from '../lambdas/platform/log.ts';"],
    ['bench/main.ts', "import { start } from '../client/client.ts';"],
    ['lib/sweeps.ts', "import { route } from '../lambdas/adapters/route.ts';"],
    ['lib/sweeps.ts', "import '../local/main.ts';"],
    ['local/stack.ts', "import { sizes } from '../lib/settings.ts';"],
    ['local/stack.ts', "import {\n  environmentNames,\n  tableKeys,\n} from '../lambdas/platform/environment.ts';"],
    ['bench/main.ts', "import { sizes } from '../lib/settings.ts';"],
    ['lambdas/handlers/http.ts', "import { testAddresses } from '../../test/support/addresses.ts';"],
  ];

  test.each(forbidden)('in %s it refuses %j', (file, statement) => {
    expect(brokenRules(file, statement)).not.toEqual([]);
  });

  const allowed: [file: string, statement: string][] = [
    ['protocol/messages.ts', "import { z } from 'zod';"],
    ['client/room.ts', "import type { ClientMessage } from '../protocol/messages.ts';"],
    ['client/room.ts', "import { subprotocol } from '../protocol/frames.ts';"],
    ['client/react/hook.ts', "import { useEffect } from 'react';"],
    ['dashboard/data/live.ts', "import { createConnection } from '../../client/connection.ts';"],
    ['dashboard/data/live.ts', "import type { ServiceFigures } from '../../protocol/figures.ts';"],
    ['lambdas/handlers/http.ts', "import { SessionManager } from '../sessions/session-manager.ts';"],
    ['lambdas/presence/status.ts', "import { log } from '../platform/log.ts';"],
    ['lambdas/presence/keys.ts', "import { touch } from './scripts/touch.ts';"],
    ['lambdas/flows/joining/join-session.ts', "import { announce } from '../presence/announce.ts';"],
    ['lambdas/adapters/http/http-route.ts', "import { refusalOf } from '../request.ts';"],
    ['lambdas/sessions/session-manager.ts', "import { SessionRepository } from './session-repository.ts';"],
    ['lib/sweeps.ts', "import { environmentNames } from '../lambdas/platform/environment.ts';"],
    ['local/stack.ts', "import { settingNames } from '../protocol/timings.ts';"],
    ['bin/rollcall.ts', "import { RollcallStack } from '../lib/rollcall-stack.ts';"],
  ];

  test.each(allowed)('in %s it allows %j', (file, statement) => {
    expect(brokenRules(file, statement)).toEqual([]);
  });
});
