import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';
import { environmentNames } from '../../lambdas/platform/environment.ts';
import { filesOf, projectDirectory } from '../../lib/bundle.ts';
import { type HandlerName, handlerNames } from '../../lib/handlers.ts';
import { methodCommands } from './method-commands.ts';
import type { Use } from './permissions.ts';

/**
 * Variables that a bundle contains without using them. A module creates several clients, each at its first use, and
 * this function uses only the others.
 */
export const namedOnly: Partial<Record<HandlerName, string[]>> = {
  // These functions never receive an invite.
  activity: [environmentNames.inviteSecretArn],
  session: [environmentNames.webhookSweepFunction],
  disconnect: [environmentNames.inviteSecretArn],
  server: [environmentNames.inviteSecretArn],
  'cleanup-sweep': [environmentNames.inviteSecretArn],
  // This function is the sweep itself.
  'timeout-sweep': [environmentNames.inviteSecretArn, environmentNames.timeoutSweepFunction],
  // API Gateway checks the token; this function only reads the audit trail.
  http: [
    environmentNames.inviteSecretArn,
    environmentNames.jwksUri,
    environmentNames.jwtAudience,
    environmentNames.jwtIssuer,
    environmentNames.outboxTable,
    // It starts the sweep of webhooks only.
    environmentNames.timeoutSweepFunction,
  ],
};

/** Set only outside of a stack. The stack never sets them. */
const neverSet: string[] = [environmentNames.databaseUrl, environmentNames.databaseTls];

/** What a function does with the thing that a variable names, whatever it calls. */
const actionsOfVariable: Record<string, string[]> = {
  [environmentNames.databaseSecretArn]: ['secretsmanager:GetSecretValue'],
  [environmentNames.serviceSecretArn]: ['secretsmanager:GetSecretValue'],
  [environmentNames.inviteSecretArn]: ['secretsmanager:GetSecretValue'],
  [environmentNames.checkpointKeyArn]: ['kms:Sign', 'kms:GetPublicKey'],
  [environmentNames.timeoutSweepFunction]: ['lambda:InvokeFunction'],
  [environmentNames.webhookSweepFunction]: ['lambda:InvokeFunction'],
  [environmentNames.webhookSenderFunction]: ['lambda:InvokeFunction'],
  [environmentNames.webhookKeyArn]: ['secretsmanager:GetSecretValue'],
  [environmentNames.managementEndpoint]: ['execute-api:ManageConnections'],
};

/** The project's own source files in a function's bundle. */
export function sourcesOf(metafile: Metafile, handler: HandlerName): string[] {
  const inputs = filesOf(metafile, handler)
    .flatMap((output) => Object.entries(metafile.outputs[output]!.inputs))
    .filter(([file, { bytesInOutput }]) => file.startsWith('lambdas/') && bytesInOutput > 0)
    .map(([file]) => file);
  return [...new Set(inputs)].map((file) => readFileSync(join(projectDirectory, file), 'utf8'));
}

/** The variables that the source files in a function's bundle contain. */
export function variablesNamedBy(sources: readonly string[]): string[] {
  const keys = sources.flatMap((source) => [...source.matchAll(/environmentNames\.(\w+)/g)]);
  const names = keys.map(([, key]) => environmentNames[key as keyof typeof environmentNames] as string);
  return [...new Set(names)].filter((name) => !neverSet.includes(name)).sort();
}

/** The actions on a table to which the calls of `registry.<method>(` (or `outbox`) in the sources lead. */
export function tableActions(
  sources: readonly string[],
  store: 'registry' | 'outbox',
  commands: Map<string, string[]>,
): string[] {
  const call = new RegExp(`[.#]${store}\\??\\s*\\.(\\w+)\\(`, 'g');
  const methods = sources.flatMap((source) => [...source.matchAll(call)].map(([, method]) => method!));
  return [...new Set(methods.flatMap((method) => commands.get(method) ?? []))].map((name) => `dynamodb:${name}`);
}

/** The actions that the bundle of each handler uses, found in its source files. */
export function usesOfBundles(metafile: Metafile): Map<HandlerName, Use[]> {
  const registry = methodCommands('lambdas/connections/connection-registry.ts');
  const outbox = methodCommands('lambdas/activity/activity-outbox.ts');
  return new Map(handlerNames.map((handler) => [handler, usesOf(metafile, handler, registry, outbox)]));
}

function usesOf(
  metafile: Metafile,
  handler: HandlerName,
  registry: Map<string, string[]>,
  outbox: Map<string, string[]>,
): Use[] {
  const sources = sourcesOf(metafile, handler);
  const used = variablesNamedBy(sources).filter((name) => !namedOnly[handler]?.includes(name));
  const on = (variable: string, actions: string[]) =>
    used.includes(variable) ? actions.map((action) => ({ action, variable })) : [];
  // Every bundle with the audit trail contains the replay of the outbox, but only a sweep calls it.
  const replays = sources.some((source) => source.includes('.replayOutbox()'));
  const writers = sources.filter((source) => replays || !source.includes('class OutboxReplay'));
  return [
    ...on(environmentNames.connectionsTable, tableActions(sources, 'registry', registry)),
    ...on(environmentNames.outboxTable, tableActions(writers, 'outbox', outbox)),
    ...Object.entries(actionsOfVariable).flatMap(([variable, actions]) => on(variable, actions)),
    // An overloaded sweep starts another one.
    ...(handler === 'timeout-sweep' ? actionsOfVariable[environmentNames.timeoutSweepFunction]! : []).map((action) => ({
      action,
    })),
  ];
}
