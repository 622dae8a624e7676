import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type BackingAddresses, type BackingServices, startBackingServices } from './backing/services.ts';
import { type FaultSettings, Faults } from './faults.ts';
import { FrontDoor } from './front-door.ts';
import { IdentityProvider, localAudience, localIssuer } from './identity/identity-provider.ts';
import { createOutput, type Output } from './output.ts';
import { buildPages, Pages } from './pages/pages.ts';
import { type RunningStack, runStack } from './running-stack.ts';
import type { ScheduleRun } from './schedules/schedules.ts';
import { keepInUse } from './synthesis/build-cache.ts';
import { projectSynthesis, synthesize } from './synthesis/synthesize.ts';
import { readStack } from './template/stack-definition.ts';

export interface LocalStackOptions {
  /** Keys, secrets and, unless addresses are given, the data of the backing servers. */
  dataDirectory: string;
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
 * @throws Error with one sentence for the user: a taken port, a missing server, a refused setting, a broken template, a
 *   failed migration. Nothing is left running then.
 */
export async function startLocalStack(options: LocalStackOptions): Promise<LocalStack> {
  const output = createOutput(options.write ?? (() => {}), options.environment?.['LOG_LEVEL']);
  const faults = new Faults(options.faults);
  await mkdir(options.dataDirectory, { recursive: true });
  const door = await FrontDoor.bind(options.port ?? 0, (error) => output.log('ERROR', 'local', describe(error)));
  let backing: BackingServices | undefined;
  try {
    const starting = backingOf(options).then((services) => (backing = services));
    const [services, assemblyDirectory, pages] = await settleAll([
      starting,
      options.assemblyDirectory ?? synthesizeProject(options, output),
      Pages.open(options.pages ? await pagesOf(output, options.signal) : undefined),
    ]);
    let closing = false;
    const release = keepInUse(assemblyDirectory);
    const running = await run(options, { output, faults, door, services, assemblyDirectory, pages });
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
      close: once(async () => {
        closing = true;
        release();
        await running.close();
        await door.close();
        await services.stop();
      }),
    };
  } catch (error) {
    await door.close();
    await backing?.stop();
    throw error;
  }
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
  const origin = `http://127.0.0.1:${parts.door.port}`;
  const environment = options.environment ?? {};
  const localKeys = `${origin}/.well-known/jwks.json`;
  const definition = await readStack(parts.assemblyDirectory, {
    JwtIssuer: environment['JWT_ISSUER'] || localIssuer,
    JwtAudience: environment['JWT_AUDIENCE'] || localAudience,
    JwksUri: environment['JWKS_URI'] || localKeys,
  });
  const identity = await IdentityProvider.open(join(options.dataDirectory, 'identity.json'), definition.identity);
  return runStack({
    ...parts,
    definition,
    identity,
    trusted: definition.identity.jwksUri === localKeys,
    environment,
    dataDirectory: options.dataDirectory,
    idleMillis: options.idleMillis ?? idleMillis,
    lifetimeMillis: options.lifetimeMillis ?? lifetimeMillis,
    schedulesFire: options.schedules ?? true,
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
