import { join } from 'node:path';
import { identitySettings } from '../protocol/settings.ts';
import { requireRedisServer } from './backing/redis.ts';
import {
  type BackingAddresses,
  type BackingServices,
  causeOfFailure,
  startBackingServices,
} from './backing/services.ts';
import { claimDataFolder, type DataFolder } from './data-folder/data-folder.ts';
import { type FaultSettings, Faults } from './faults.ts';
import { IdentityProvider, localAudience, localIssuer } from './identity/identity-provider.ts';
import { createOutput, type Output } from './output.ts';
import { buildPages, Pages } from './pages/pages.ts';
import { PublicServer } from './public-server.ts';
import { type RunningStack, runStack } from './running-stack.ts';
import type { ScheduleRun } from './schedules/schedules.ts';
import type { SecretValues } from './services/secrets-api.ts';
import { keepInUse } from './synthesis/build-cache.ts';
import { projectSynthesis, synthesize } from './synthesis/synthesize.ts';
import { readStack, type StackDefinition } from './template/stack-definition.ts';

export interface LocalStackOptions {
  /** Folder for keys, secrets and the data of the servers that are started. */
  dataDirectory: string;
  /** Whether the data folder is emptied first. Default: false. A refused start does not change the folder. */
  fresh?: boolean;
  /** The port. Default: 0, any free port. */
  port?: number;
  /** Addresses of running servers. The other servers are started and end with the stack. */
  backing?: Partial<BackingAddresses>;
  /** Whether the data of the started servers survives a restart. Default: false. */
  durable?: boolean;
  /** The cloud assembly. Default: the project's own, synthesized if it is not in the cache. */
  assemblyDirectory?: string;
  /** The user's settings. The synthesis uses them, and in the functions they override the template's values. */
  environment?: Record<string, string | undefined>;
  /** Receives lines for the developer. Default: none. */
  write?: (line: string) => void;
  /** Receives each line that a function writes, as it is. Default: none. */
  writeRaw?: (functionName: string, line: string) => void;
  faults?: Partial<FaultSettings>;
  /** Limits of the gateway. Defaults: 10 minutes and 2 hours, as on AWS. */
  idleMillis?: number;
  lifetimeMillis?: number;
  /** Whether schedules fire automatically. Default: true. */
  schedules?: boolean;
  /** Whether the demo is built and served. Default: false. */
  pages?: boolean;
  /** Aborts a start that is in progress. */
  signal?: AbortSignal;
}

export interface LocalStack {
  http: string;
  websocket: string;
  management: string;
  /** Addresses of the stores themselves, without the permission checks for functions. */
  addresses: BackingAddresses;
  faults: Faults;
  /** Resolves with a sentence if a backing server ends unexpectedly. Then the stack must be closed. */
  failed: Promise<string>;
  /** Fires a schedule by the name of its rule or function and waits for it. @throws Error if there is none. */
  fireSchedule(name: string): Promise<ScheduleRun[]>;
  /** The values of the secrets, which a rotation changes. */
  secrets: SecretValues;
  /** Ends a share of the execution environments of each function, from 0 to 1. @returns how many. */
  endEnvironments(share: number): Promise<number>;
  /**
   * Closes all connections (with `$disconnect`) and stops everything that was started. Later calls wait for the first.
   */
  close(): Promise<void>;
}

const projectDirectory = join(import.meta.dirname, '..');
const idleMillis = 10 * 60_000;
const lifetimeMillis = 2 * 60 * 60_000;

/**
 * Runs a synthesized stack on this machine.
 *
 * @throws Error with one sentence for the user, for example about a data folder in use, a taken port, a missing server,
 * an invalid setting, an invalid template or a failed migration. Then nothing is left running.
 */
export async function startLocalStack(options: LocalStackOptions): Promise<LocalStack> {
  const output = {
    ...createOutput(options.write ?? (() => {}), options.environment?.['LOG_LEVEL']),
    raw: options.writeRaw,
  };
  const folder = await claimDataFolder(options.dataDirectory);
  // The undo steps, in the order of the start.
  const undo: (() => Promise<void> | void)[] = [() => folder.release()];
  const close = memoize(() => undoAll(undo));
  try {
    const publicServer = await PublicServer.bind(options.port ?? 0, (error) =>
      output.log('ERROR', 'local', describe(error)),
    );
    undo.push(() => publicServer.close());
    return await startParts(
      publicServer,
      { ...options, dataDirectory: folder.directory },
      { output, folder, undo, close },
    );
  } catch (error) {
    await close();
    throw error;
  }
}

/** Runs all undo steps, the last one first, and continues if one fails. */
async function undoAll(undo: (() => Promise<void> | void)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const step of undo.reverse()) {
    try {
      await step();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

interface Start {
  output: Output;
  folder: DataFolder;
  undo: (() => Promise<void> | void)[];
  close(): Promise<void>;
}

async function startParts(publicServer: PublicServer, options: LocalStackOptions, start: Start): Promise<LocalStack> {
  const { output, folder, undo, close } = start;
  const faults = new Faults(options.faults);
  const synthesizing = options.assemblyDirectory ?? synthesizeProject(options, output);
  if (options.fresh) {
    await checkBeforeRemoval(options, await synthesizing, publicServer.port);
    await folder.empty();
  }
  const starting = backingOf(options).then((services) => {
    undo.push(() => services.stop());
    return services;
  });
  const [services, assemblyDirectory, pages] = await settleAll([
    starting,
    synthesizing,
    options.pages ? pagesOf(output, options.signal).then(Pages.open) : Pages.open(undefined),
  ]);
  let closing = false;
  undo.push(keepInUse(assemblyDirectory));
  const parts = { output, faults, publicServer, services, assemblyDirectory, pages };
  const running = await run(options, parts).catch(async (error: unknown) => {
    throw await causeOfFailure(services, error);
  });
  undo.push(() => running.close());
  return {
    ...urls(publicServer.port, running.webSocketPath),
    addresses: addressesOf(services),
    faults,
    failed: new Promise((resolve) => {
      void services.failed.then((sentence) => {
        if (!closing) resolve(sentence);
      });
    }),
    fireSchedule: (name) => running.fireSchedule(name),
    secrets: running.secrets,
    endEnvironments: (share) => running.endEnvironments(share),
    close: () => {
      closing = true;
      return close();
    },
  };
}

/** Checks before data is removed what would refuse the start later. */
async function checkBeforeRemoval(options: LocalStackOptions, assemblyDirectory: string, port: number): Promise<void> {
  if (!options.backing?.redisUrl) await requireRedisServer();
  await definitionOf(options, assemblyDirectory, port);
}

interface Parts {
  output: Output;
  faults: Faults;
  publicServer: PublicServer;
  services: BackingServices;
  assemblyDirectory: string;
  pages: Pages;
}

async function run(options: LocalStackOptions, parts: Parts): Promise<RunningStack> {
  const environment = options.environment ?? {};
  const definition = await definitionOf(options, parts.assemblyDirectory, parts.publicServer.port);
  const accessClaim = environment['JWT_ACCESS_CLAIM']?.trim() || undefined;
  const identity = await IdentityProvider.open(join(options.dataDirectory, 'identity.json'), {
    ...definition.identity,
    accessClaim,
  });
  return runStack({
    ...parts,
    definition,
    identity,
    trusted: definition.identity.jwksUri === localKeys(parts.publicServer.port),
    environment,
    dataDirectory: options.dataDirectory,
    idleMillis: options.idleMillis ?? idleMillis,
    lifetimeMillis: options.lifetimeMillis ?? lifetimeMillis,
    schedulesFire: options.schedules ?? true,
  });
}

/** The address of the keys of an issuer that names none. */
const keysOf = (issuer: string) => `${issuer.replace(/\/+$/, '')}/.well-known/jwks.json`;
const localKeys = (port: number) => `http://127.0.0.1:${port}/.well-known/jwks.json`;

function definitionOf(
  { environment = {} }: LocalStackOptions,
  assemblyDirectory: string,
  port: number,
): Promise<StackDefinition> {
  const issuer = environment['JWT_ISSUER']?.trim();
  return readStack(assemblyDirectory, {
    JwtIssuer: issuer || localIssuer,
    JwtAudience: environment['JWT_AUDIENCE']?.trim() || localAudience,
    JwksUri: environment['JWKS_URI']?.trim() || (issuer ? keysOf(issuer) : localKeys(port)),
  });
}

function urls(port: number, webSocketPath: string): Pick<LocalStack, 'http' | 'websocket' | 'management'> {
  const http = `http://127.0.0.1:${port}`;
  return { http, websocket: `ws://127.0.0.1:${port}${webSocketPath}`, management: `${http}${webSocketPath}` };
}

async function backingOf({
  backing = {},
  dataDirectory,
  durable = false,
}: LocalStackOptions): Promise<BackingServices> {
  const { databaseUrl, redisUrl, dynamodbEndpoint } = backing;
  if (databaseUrl && redisUrl && dynamodbEndpoint) {
    const addresses = { databaseUrl, redisUrl, dynamodbEndpoint };
    return { ...addresses, failed: new Promise(() => {}), stop: async () => {} };
  }
  return startBackingServices({ databaseUrl, redisUrl, dynamodbEndpoint, directory: dataDirectory, durable });
}

function addressesOf({ databaseUrl, redisUrl, dynamodbEndpoint }: BackingAddresses): BackingAddresses {
  return { databaseUrl, redisUrl, dynamodbEndpoint };
}

function synthesizeProject({ environment, signal }: LocalStackOptions, output: Output): Promise<string> {
  const settings = { ...process.env, ...environment };
  // Then the template has parameters for the identity provider, and this stack can set its own.
  for (const name of identitySettings) delete settings[name];
  const synthesis = projectSynthesis(projectDirectory, settings, output.line);
  return synthesize({ ...synthesis, signal });
}

/** If the demo cannot be built, the error is logged and the stack runs without it. */
async function pagesOf(output: Output, signal: AbortSignal | undefined): Promise<string | undefined> {
  try {
    return await buildPages(projectDirectory, output.line, signal);
  } catch (error) {
    output.log('ERROR', 'demo', describe(error));
    return undefined;
  }
}

/**
 * Like `Promise.all`, but if one fails it still waits for the others, so that none is starting while the rest is
 * stopped.
 */
async function settleAll<T extends unknown[]>(promises: [...{ [K in keyof T]: T[K] | Promise<T[K]> }]): Promise<T> {
  await Promise.allSettled(promises);
  return (await Promise.all(promises)) as T;
}

function memoize(action: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  return () => (running ??= action());
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
