import { resolve } from 'node:path';
import { checkSettings, synthesisSettings } from '../protocol/settings.ts';
import { readFaults } from './faults.ts';
import type { LocalStackOptions } from './stack.ts';

/**
 * Reads the options of `npm start` from arguments and environment.
 *
 * @throws Error with one sentence for an invalid value or a misspelt setting.
 */
export function readStartOptions(
  arguments_: string[],
  environment: Record<string, string | undefined>,
): LocalStackOptions & { fresh: boolean } {
  const unknown = arguments_.find((argument) => argument !== '--fresh');
  if (unknown !== undefined) throw new Error(`The argument "${unknown}" is unknown; npm start accepts only -- --fresh`);
  checkSettings(environment, startSettings);
  return {
    fresh: arguments_.includes('--fresh'),
    port: readPort(environment['PORT']),
    dataDirectory: resolve(environment['ROLLCALL_DATA_DIR'] || '.rollcall'),
    backing: {
      databaseUrl: environment['DATABASE_URL'] || undefined,
      redisUrl: environment['REDIS_URL'] || undefined,
      dynamodbEndpoint: environment['AWS_ENDPOINT_URL_DYNAMODB'] || undefined,
    },
    durable: true,
    assemblyDirectory: environment['ROLLCALL_ASSEMBLY_DIR'] ? resolve(environment['ROLLCALL_ASSEMBLY_DIR']) : undefined,
    environment: Object.fromEntries(userVariables.map((name) => [name, environment[name] || undefined])),
    faults: readFaults(environment['ROLLCALL_FAULTS']),
    idleMillis: readSeconds('ROLLCALL_EMULATE_IDLE_SECONDS', environment),
    lifetimeMillis: readSeconds('ROLLCALL_EMULATE_LIFETIME_SECONDS', environment),
    pages: true,
  };
}

const defaultPort = 8787;
/** Settings of the local stack only. */
const startSettings = [
  ...['PORT', 'DATABASE_URL', 'REDIS_URL', 'REDIS_CLUSTER', 'AWS_ENDPOINT_URL_DYNAMODB'],
  ...['ROLLCALL_DATA_DIR', 'ROLLCALL_ASSEMBLY_DIR', 'ROLLCALL_FAULTS'],
  ...['ROLLCALL_EMULATE_IDLE_SECONDS', 'ROLLCALL_EMULATE_LIFETIME_SECONDS'],
];
/** The variables of the shell that are passed to the functions. */
const userVariables = [...synthesisSettings, 'REDIS_CLUSTER'];

function readPort(text: string | undefined): number {
  if (!text?.trim()) return defaultPort;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new Error(`PORT is "${text}"; set it to a number from 0 (any free port) to 65535.`);
}

/** Returns milliseconds, or undefined if the variable is not set. */
function readSeconds(name: string, environment: Record<string, string | undefined>): number | undefined {
  const text = environment[name]?.trim();
  if (!text) return undefined;
  const seconds = Number(text);
  if (seconds > 0) return seconds * 1000;
  throw new Error(`${name} is "${text}"; set it to a number of seconds above zero.`);
}
