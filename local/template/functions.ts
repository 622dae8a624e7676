import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Assembly } from './assembly.ts';
import { functionArn } from './identifiers.ts';
import { functionName } from './local-account.ts';
import { type Permissions, permissionsOfRole, permissionsOfRoles } from './permissions.ts';
import type { Resolver } from './resolver.ts';

/** A Lambda function of the template with everything that is needed to run it. */
export interface FunctionDefinition {
  name: string;
  arn: string;
  /** The ARN by which it is invoked: with its alias, if the template has one. Everything in a template invokes the alias then. */
  invokedArn: string;
  logicalId: string;
  /** The file of the bundle and the name of its exported handler. */
  file: string;
  handler: string;
  timeoutMillis: number;
  memoryMegabytes: number;
  /** The reserved concurrency, if the template sets it. */
  reservedConcurrency: number | undefined;
  environment: Record<string, string>;
  permissions: Permissions;
}

const defaultTimeoutSeconds = 3;
const defaultMemoryMegabytes = 128;

/**
 * Reads the functions of the template that run Node.js.
 *
 * @throws Error that names the function whose bundle is missing.
 */
export function readFunctions(assembly: Assembly, resolver: Resolver): FunctionDefinition[] {
  const roles = permissionsOfRoles(resolver);
  const functions = resolver.resourcesOfType('AWS::Lambda::Function');
  const aliases = new Map(
    resolver.resourcesOfType('AWS::Lambda::Alias').map(({ reference: aliasArn }) => [functionName(aliasArn), aliasArn]),
  );
  const runnable = functions.filter(({ properties }) => String(properties['Runtime']).startsWith('nodejs'));
  return runnable.map(({ logicalId, reference, properties }) => {
    const [module, handler] = splitHandler(String(properties['Handler']));
    const code = properties['Code'] as { S3Key?: string };
    const reserved = properties['ReservedConcurrentExecutions'];
    const environment = properties['Environment'] as { Variables?: Record<string, unknown> } | undefined;
    return {
      name: reference,
      arn: functionArn(reference),
      invokedArn: aliases.get(reference) ?? functionArn(reference),
      logicalId,
      file: bundleFile(reference, assembly.assetDirectory(String(code.S3Key)), module),
      handler,
      timeoutMillis: Number(properties['Timeout'] ?? defaultTimeoutSeconds) * 1000,
      memoryMegabytes: Number(properties['MemorySize'] ?? defaultMemoryMegabytes),
      reservedConcurrency: reserved === undefined ? undefined : Number(reserved),
      environment: Object.fromEntries(
        Object.entries(environment?.Variables ?? {}).map(([name, value]) => [name, String(value)]),
      ),
      permissions: permissionsOfRole(roles, String(properties['Role'])),
    };
  });
}

function splitHandler(handler: string): [module: string, name: string] {
  const dot = handler.lastIndexOf('.');
  return [handler.slice(0, dot), handler.slice(dot + 1)];
}

function bundleFile(name: string, directory: string | undefined, module: string): string {
  const candidates = ['.mjs', '.js', '.cjs'].map((extension) => join(directory ?? '', module + extension));
  const file = directory && candidates.find((candidate) => existsSync(candidate));
  if (!file) throw new Error(`The bundle of the function ${name} is missing from the assembly; synthesize again.`);
  return file;
}
