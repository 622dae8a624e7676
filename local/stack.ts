import { join } from 'node:path';
import { requireRedisServer } from './backing/redis.ts';
import { type BackingAddresses, type BackingServices, startBackingServices } from './backing/services.ts';
import { claimDataFolder, type DataFolder } from './data-folder/data-folder.ts';
import { type FaultSettings, Faults } from './faults.ts';
import { FrontDoor } from './front-door.ts';
import { IdentityProvider, localAudience, localIssuer } from './identity/identity-provider.ts';
import { createOutput, type Output } from './output.ts';
import { buildPages, Pages } from './pages/pages.ts';
import { type RunningStack, runStack } from './running-stack.ts';
import type { ScheduleRun } from './schedules/schedules.ts';
import { keepInUse } from './synthesis/build-cache.ts';
import { projectSynthesis, synthesize } from './synthesis/synthesize.ts';
import { readStack, type StackDefinition } from './template/stack-definition.ts';

export interface LocalStackOptions {
  /** Keys, secrets and, unless addresses are given, the data of the backing servers. */
  dataDirectory: string;
  /** Whether the data folder is emptied first; default false. A start that is refused leaves it as it is. */
  fresh?: boolean;
  /** 0 (the default): any free port. */
  port?: number;
  /** Servers that already run; those that are absent are started and end with the stack. */
  backing?: Partial<BackingAddresses>;
  /** Whether the data of servers started here survives a restart; default false. */
  durable?: boolean;
  /** The cloud assembly; absent: the project's own, synthesized if need be. */
  assemblyDirectory?: string;
  /** Settings of the user: they decide what is synthesized, and win over the template's values in the functions. */
  environment?: Record<string, string | undefined>;
  /** Where lines for the developer go; default: nowhere. */
  write?: (line: string) => void;
  faults?: Partial<FaultSettings>;
  /** Shortened limits of the gateway; the real ones are 10 minutes and 2 hours. */
  idleMillis?: number;
  lifetimeMillis?: number;
  /** Whether schedules fire by themselves; default true. */
  schedules?: boolean;
  /** Whether the demo is built and served; default false. */
  pages?: boolean;
  /** Gives up a start that is still under way. */
  signal?: AbortSignal;
}

export interface LocalStack {
  http: string;
  websocket: string;
  management: string;
  /** Where the stores listen, by-passing the permissions of functions. */
  addresses: BackingAddresses;
  faults: Faults;
  /** Resolves with a sentence if a backing server ends by itself; the stack cannot go on then. */
  failed: Promise<string>;
  /** Fires a schedule by the name of its rule or function and waits for it. @throws Error if there is none. */
  fireSchedule(name: string): Promise<ScheduleRun[]>;
  /** Closes every connection (with its `$disconnect`) and ends everything that was started; harmless twice. */
  close(): Promise<void>;
}

const projectDirectory = join(import.meta.dirname, '..');
const idleMillis = 10 * 60_000;
const lifetimeMillis = 2 * 60 * 60_000;

/**
 * Runs a synthesized stack on this machine.
 *
 * @throws Error with one sentence for the user: a data folder in use, a taken port, a missing server, a refused setting, a
 *   broken template, a failed migration. Nothing is left running then.
 */
export async function startLocalStack(options: LocalStackOptions): Promise<LocalStack> {
  const output = createOutput(options.write ?? (() => {}), options.environment?.['LOG_LEVEL']);
  const folder = await claimDataFolder(options.dataDirectory);
  // What was started, in the order of its start.
  const undo: (() => Promise<void> | void)[] = [() => folder.release()];
  const close = once(() => undoAll(undo));
  try {
    const door = await FrontDoor.bind(options.port ?? 0, (error) => output.log('ERROR', 'local', describe(error)));
    undo.push(() => door.close());
    return await startBehind(door, { ...options, dataDirectory: folder.directory }, { output, folder, undo, close });
  } catch (error) {
    await close();
    throw error;
  }
}

/** Takes back every step, the last one first, also when one fails. */
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

async function startBehind(door: FrontDoor, options: LocalStackOptions, start: Start): Promise<LocalStack> {
  const { output, folder, undo, close } = start;
  const faults = new Faults(options.faults);
  const synthesizing = options.assemblyDirectory ?? synthesizeProject(options, output);
  if (options.fresh) {
    await refuseEarly(options, await synthesizing, door.port);
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
  const running = await run(options, { output, faults, door, services, assemblyDirectory, pages });
  undo.push(() => running.close());
  return {
    ...urls(door.port, running.webSocketPath),
    addresses: addressesOf(services),
    faults,
    failed: new Promise((resolve) => {
      void services.failed.then((sentence) => {
        if (!closing) resolve(sentence);
      });
    }),
    fireSchedule: (name) => running.fireSchedule(name),
    close: () => {
      closing = true;
      return close();
    },
  };
}

/** Finds what would refuse the start later, before data is removed. */
async function refuseEarly(options: LocalStackOptions, assemblyDirectory: string, port: number): Promise<void> {
  if (!options.backing?.redisUrl) await requireRedisServer();
  await definitionOf(options, assemblyDirectory, port);
}

interface Parts {
  output: Output;
  faults: Faults;
  door: FrontDoor;
  services: BackingServices;
  assemblyDirectory: string;
  pages: Pages;
}

async function run(options: LocalStackOptions, parts: Parts): Promise<RunningStack> {
  const environment = options.environment ?? {};
  const definition = await definitionOf(options, parts.assemblyDirectory, parts.door.port);
  const identity = await IdentityProvider.open(join(options.dataDirectory, 'identity.json'), definition.identity);
  return runStack({
    ...parts,
    definition,
    identity,
    trusted: definition.identity.jwksUri === localKeys(parts.door.port),
    environment,
    dataDirectory: options.dataDirectory,
    idleMillis: options.idleMillis ?? idleMillis,
    lifetimeMillis: options.lifetimeMillis ?? lifetimeMillis,
    schedulesFire: options.schedules ?? true,
  });
}

const localKeys = (port: number) => `http://127.0.0.1:${port}/.well-known/jwks.json`;

function definitionOf(
  { environment = {} }: LocalStackOptions,
  assemblyDirectory: string,
  port: number,
): Promise<StackDefinition> {
  return readStack(assemblyDirectory, {
    JwtIssuer: environment['JWT_ISSUER'] || localIssuer,
    JwtAudience: environment['JWT_AUDIENCE'] || localAudience,
    JwksUri: environment['JWKS_URI'] || localKeys(port),
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
  const synthesis = projectSynthesis(projectDirectory, { ...process.env, ...environment }, output.line);
  return synthesize({ ...synthesis, signal });
}

/** A demo that cannot be built is no reason to keep the stack from running; the reason is told. */
async function pagesOf(output: Output, signal: AbortSignal | undefined): Promise<string | undefined> {
  try {
    return await buildPages(projectDirectory, output.line, signal);
  } catch (error) {
    output.log('ERROR', 'demo', describe(error));
    return undefined;
  }
}

/** Waits for all, also when one fails, so that nothing is still starting while the others are being stopped. */
async function settleAll<T extends unknown[]>(promises: [...{ [K in keyof T]: T[K] | Promise<T[K]> }]): Promise<T> {
  await Promise.allSettled(promises);
  return (await Promise.all(promises)) as T;
}

function once(action: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  return () => (running ??= action());
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
