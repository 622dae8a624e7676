import { parseArgs } from 'node:util';
import { aws } from './aws.ts';

/** The deployment to check. */
export interface SmokeOptions {
  /** The address of the WebSocket API with its stage. */
  url: string;
  /** The address of the HTTP API, without a `/` at its end. */
  http: string;
  /** A token of a user who may create sessions. */
  token: string;
  /** The CloudFormation stack; undefined if only the addresses are known. */
  stack: string | undefined;
  /** How long to wait for one frame or answer. A function may have to start first. */
  patienceMillis: number;
}

const defaultPatienceSeconds = 30;
const loopback = ['127.0.0.1', 'localhost', '[::1]'];

/**
 * Reads the command line. `--stack` gives the addresses that are not named. On this machine the local stack gives the token and
 * the address of the HTTP API.
 *
 * @throws Error with one next step, if something is missing.
 */
export async function readOptions(given: string[], environment: NodeJS.ProcessEnv): Promise<SmokeOptions> {
  const { values } = parseArgs({
    args: given,
    options: {
      url: { type: 'string' },
      http: { type: 'string' },
      stack: { type: 'string' },
      patience: { type: 'string' },
    },
  });
  const patienceMillis = 1000 * Number(values.patience ?? defaultPatienceSeconds);
  if (!(patienceMillis > 0)) throw new Error('--patience must be a number of seconds above zero.');
  const outputs = values.stack === undefined ? {} : await outputsOf(values.stack);
  const url = values.url ?? outputs['WebSocketUrl'];
  if (!url)
    throw new Error('Name the deployment: --url wss://…/live, or --stack with the name of the CloudFormation stack.');
  if (!/^wss?:$/.test(URL.parse(url)?.protocol ?? '')) throw new Error(`--url is "${url}"; it must begin with wss://.`);
  const { hostname, host } = new URL(url);
  const isLocal = loopback.includes(hostname);
  const http = values.http ?? outputs['HttpUrl'] ?? (isLocal ? `http://${host}` : undefined);
  if (!http) throw new Error('Name the HTTP API too: --http https://…');
  const address = http.replace(/\/+$/, '');
  return {
    url,
    http: address,
    token: await tokenOf(environment, isLocal, address),
    stack: values.stack,
    patienceMillis,
  };
}

async function tokenOf(environment: NodeJS.ProcessEnv, isLocal: boolean, http: string): Promise<string> {
  // A token on the command line would be visible in the list of processes.
  const given = environment['ROLLCALL_TOKEN']?.trim();
  if (given) return given;
  if (!isLocal)
    throw new Error('Set ROLLCALL_TOKEN to a token of your identity provider, of a user who may create sessions.');
  const response = await fetch(`${http}/dev/token?user=smoke&name=Smoke`);
  if (!response.ok) throw new Error(`${http}/dev/token answered ${response.status}; set ROLLCALL_TOKEN.`);
  return ((await response.json()) as { token: string }).token;
}

async function outputsOf(stack: string): Promise<Record<string, string>> {
  const answer = await aws(['cloudformation', 'describe-stacks', '--stack-name', stack]);
  const { Stacks } = answer as { Stacks: { Outputs?: { OutputKey: string; OutputValue: string }[] }[] };
  const entries = Stacks[0]?.Outputs?.map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue] as const) ?? [];
  return Object.fromEntries(entries);
}
