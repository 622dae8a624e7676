import * as activity from '../../lambdas/handlers/activity.ts';
import * as cursor from '../../lambdas/handlers/cursor.ts';
import * as defaultRoute from '../../lambdas/handlers/default.ts';
import * as disconnect from '../../lambdas/handlers/disconnect.ts';
import * as heartbeat from '../../lambdas/handlers/heartbeat.ts';
import * as http from '../../lambdas/handlers/http.ts';
import * as machine from '../../lambdas/handlers/machine.ts';
import * as presence from '../../lambdas/handlers/presence.ts';
import { environmentNames } from '../../lambdas/platform/environment.ts';
import { bundleHandlers } from '../../lib/bundle.ts';
import { type HandlerName, handlerNames } from '../../lib/handlers.ts';
import { methodCommands } from '../../scripts/aws-check/method-commands.ts';
import { namedOnly, sourcesOf as sourcesIn, tableActions, variablesNamedBy } from '../../scripts/aws-check/uses.ts';
import { listed, SynthesizedTemplate } from './support.ts';

const dev = new SynthesizedTemplate('dev');
const { metafile } = bundleHandlers();
const registryCommands = methodCommands('lambdas/connections/connection-registry.ts');

/** The project's own source files in a function's bundle. */
const sourcesOf = (handler: HandlerName) => sourcesIn(metafile, handler);

/** The variables of `environmentNames` that the stack gives a function. */
function givenTo(handler: HandlerName): string[] {
  const known = Object.values(environmentNames) as string[];
  return Object.keys(dev.environmentOf(handler)).filter((name) => known.includes(name));
}

test.each(handlerNames)('%s gets the variables that its code reads, and no others', (handler) => {
  expect([...givenTo(handler), ...(namedOnly[handler] ?? [])].sort()).toEqual(variablesNamedBy(sourcesOf(handler)));
});

test.each(handlerNames)(
  '%s has the permissions for the connection table that its code uses, and no others',
  (handler) => {
    const needed = tableActions(sourcesOf(handler), 'registry', registryCommands);
    const table = /"ConnectionTable/;
    const granted = dev
      .statementsOf(handler)
      .filter(({ Resource }) => table.test(JSON.stringify(Resource)))
      .flatMap(({ Action }) => listed(Action));
    expect([...new Set(granted)].sort()).toEqual(needed.sort());
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
