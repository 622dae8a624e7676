import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ConnectionRegistry } from '../../lambdas/connections/connection-registry.ts';
import * as activity from '../../lambdas/handlers/activity.ts';
import * as cursor from '../../lambdas/handlers/cursor.ts';
import * as defaultRoute from '../../lambdas/handlers/default.ts';
import * as disconnect from '../../lambdas/handlers/disconnect.ts';
import * as heartbeat from '../../lambdas/handlers/heartbeat.ts';
import * as http from '../../lambdas/handlers/http.ts';
import * as machine from '../../lambdas/handlers/machine.ts';
import * as presence from '../../lambdas/handlers/presence.ts';
import { environmentNames } from '../../lambdas/platform/environment.ts';
import { bundleHandlers, projectDirectory } from '../../lib/bundle.ts';
import { type HandlerName, handlerNames } from '../../lib/handlers.ts';
import { listed, SynthesizedTemplate } from './support.ts';

/**
 * Variables that a bundle contains without using them. A module creates several clients, each at its first use, and
 * this function uses only the others.
 */
const namedOnly: Partial<Record<HandlerName, string[]>> = {
  // They never receive an invite.
  activity: [environmentNames.inviteSecretArn],
  disconnect: [environmentNames.inviteSecretArn],
  'cleanup-sweep': [environmentNames.inviteSecretArn],
  // It is the sweep itself.
  'timeout-sweep': [environmentNames.inviteSecretArn, environmentNames.timeoutSweepFunction],
  // The gateway checks the token; the function reads the audit trail.
  http: [
    environmentNames.inviteSecretArn,
    environmentNames.jwksUri,
    environmentNames.jwtAudience,
    environmentNames.jwtIssuer,
    environmentNames.outboxTable,
  ],
};

/** Set manually where there is no stack, and read first. The stack never sets it. */
const neverSet = [environmentNames.databaseUrl];

const dev = new SynthesizedTemplate('dev');
const { metafile } = bundleHandlers();

/** The table actions of each method of the connection registry. */
const actionsOfRegistry: Record<Exclude<keyof ConnectionRegistry, symbol>, string[]> = {
  add: ['PutItem'],
  setCompact: ['UpdateItem'],
  isCompact: ['GetItem'],
  join: ['UpdateItem'],
  leave: ['UpdateItem'],
  amend: ['UpdateItem'],
  hasLeftAfter: ['GetItem'],
  takeBack: ['DeleteItem'],
  membership: ['GetItem'],
  memberships: ['Query'],
  members: ['Query'],
  connectionsOf: ['Query'],
  relabel: ['Query', 'UpdateItem'],
  inheritInvisible: ['UpdateItem'],
  setInvisible: ['Query', 'UpdateItem'],
  setData: ['Query', 'UpdateItem'],
  remove: ['Query', 'BatchWriteItem'],
  leaveAll: ['BatchWriteItem'],
};

/** The project's own source files in a function's bundle. */
function sourcesOf(handler: HandlerName): string[] {
  return Object.entries(metafile.outputs[`dist/${handler}/index.mjs`]!.inputs)
    .filter(([file, { bytesInOutput }]) => file.startsWith('lambdas/') && bytesInOutput > 0)
    .map(([file]) => readFileSync(join(projectDirectory, file), 'utf8'));
}

/** The variables that the source files in a function's bundle contain. */
function namedBy(handler: HandlerName): string[] {
  const keys = sourcesOf(handler).flatMap((source) => [...source.matchAll(/environmentNames\.(\w+)/g)]);
  const names = keys.map(([, key]) => environmentNames[key as keyof typeof environmentNames]);
  return [...new Set<string>(names)].filter((name) => !neverSet.some((never) => never === name)).sort();
}

/** The variables of `environmentNames` that the stack gives a function. */
function givenTo(handler: HandlerName): string[] {
  const known = Object.values(environmentNames) as string[];
  return Object.keys(dev.environmentOf(handler)).filter((name) => known.includes(name));
}

test.each(handlerNames)('%s gets the variables that its code reads, and no others', (handler) => {
  expect([...givenTo(handler), ...(namedOnly[handler] ?? [])].sort()).toEqual(namedBy(handler));
});

test.each(handlerNames)(
  '%s has the permissions for the connection table that its code uses, and no others',
  (handler) => {
    const calls = sourcesOf(handler).flatMap((source) => [...source.matchAll(/services\.registry\s*\.(\w+)\(/g)]);
    const needed = calls.flatMap(([, method]) => actionsOfRegistry[method as keyof typeof actionsOfRegistry]);
    const table = /"ConnectionTable/;
    const granted = dev
      .statementsOf(handler)
      .filter(({ Resource }) => table.test(JSON.stringify(Resource)))
      .flatMap(({ Action }) => listed(Action).map((action) => action.replace('dynamodb:', '')));
    expect([...new Set(granted)].sort()).toEqual([...new Set(needed)].sort());
  },
);

/** Services that a bundle names without using them: the function calls other functions of the same file. */
const neverUsed: Partial<Record<HandlerName, string[]>> = {
  // It expects visits, and no watch of windows.
  disconnect: ['movingSessions'],
};

test.each([
  ['activity', activity],
  ['cursor', cursor],
  ['default', defaultRoute],
  ['disconnect', disconnect],
  ['heartbeat', heartbeat],
  ['http', http],
  ['machine', machine],
  ['presence', presence],
] as const)('%s composes every service that its code uses', (handler, { parts }) => {
  const used = sourcesOf(handler).flatMap((source) => [
    ...[...source.matchAll(/\bservices\s*\.(?!ts\b)(\w+)/g)].map(([, name]) => name!),
    ...[...source.matchAll(/\{([^{}]*)\} = (?:this\.#)?services;/g)].flatMap(([, names]) => names!.split(/[\s,]+/)),
  ]);
  expect(used).toContain('log');
  const composed = [...Object.keys(parts), ...(neverUsed[handler] ?? [])];
  expect([...new Set(used)].filter((name) => name !== '' && !composed.includes(name))).toEqual([]);
});
