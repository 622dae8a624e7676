/**
 * `npm run build:dashboard -- --socket=wss://… --http=https://… [--issuer=… --client-id=… [--scope=…]] [--out=dist/dashboard]`:
 * writes the dashboard as static files for a deployment, and prints its size. Without an issuer, the operator pastes a token. The
 * build contains no secret.
 */
import { spawnSync } from 'node:child_process';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';

const project = join(import.meta.dirname, '..');
const usage = 'run npm run build:dashboard -- --socket=wss://example.org/live --http=https://api.example.org';
/** Most bytes of the scripts and styles together, with gzip. Among them is uPlot with 22,000. */
const mostBytes = 55_000;

type SignIn = { kind: 'paste' } | { kind: 'oidc'; issuer: string; clientId: string; scope: string };

interface Settings {
  socketUrl: string;
  httpUrl: string;
  signIn: SignIn;
  out: string;
  /** The origins that the page may ask, beside its own. */
  origins: string[];
}

class Refusal extends Error {}

function addressOf(name: string, text: string | undefined, protocols: readonly string[]): URL {
  const url = text === undefined ? null : URL.parse(text);
  if (url && protocols.includes(url.protocol)) return url;
  throw new Refusal(`The option --${name} must be an address that begins with ${protocols[0]}//; ${usage}.`);
}

/** The origins of an identity provider: its own and that of its endpoint for tokens, which may differ. */
async function originsOf(issuer: string): Promise<string[]> {
  const address = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const reply = await fetch(address).catch(() => undefined);
  const found = (reply?.ok ? await reply.json() : {}) as { token_endpoint?: string; authorization_endpoint?: string };
  if (!found.token_endpoint || !found.authorization_endpoint) {
    throw new Refusal(`${address} names no endpoints of an identity provider; check --issuer.`);
  }
  return [new URL(issuer).origin, new URL(found.token_endpoint).origin];
}

async function readSettings(): Promise<Settings> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: { socket: text, http: text, issuer: text, 'client-id': text, scope: text, out: text },
  });
  const socket = addressOf('socket', values.socket, ['wss:', 'ws:']);
  const http = addressOf('http', values.http, ['https:', 'http:']);
  const { issuer, 'client-id': clientId, scope = 'openid rollcall/admin' } = values;
  if ((issuer === undefined) !== (clientId === undefined)) {
    throw new Refusal('An identity provider needs both --issuer and --client-id; give both, or none.');
  }
  return {
    ...{ socketUrl: socket.href, httpUrl: http.href, out: resolve(values.out ?? join(project, 'dist/dashboard')) },
    signIn: issuer && clientId ? { kind: 'oidc', issuer, clientId, scope } : { kind: 'paste' },
    origins: [...new Set([socket.origin, http.origin, ...(issuer ? await originsOf(issuer) : [])])],
  };
}

function build(out: string): void {
  const program = join(project, 'local/pages/build-pages.ts');
  const arguments_ = ['--disable-warning=ExperimentalWarning', program, join(project, 'dashboard'), out, './'];
  const { status, stderr } = spawnSync(process.execPath, arguments_, { encoding: 'utf8' });
  if (status !== 0) throw new Refusal(`The dashboard cannot be built: ${stderr.trim()}`);
}

/** Lets the page ask the given origins, and no others. */
async function allow(out: string, origins: readonly string[]): Promise<void> {
  const file = join(out, 'index.html');
  const page = await readFile(file, 'utf8');
  const rule = "connect-src 'self'";
  if (!page.includes(rule)) throw new Refusal('The page has no rule for connections; restore dashboard/index.html.');
  await writeFile(file, page.replace(rule, `${rule} ${origins.join(' ')}`));
}

/** Prints the size of each script and style, and of all together. @throws Refusal if it is larger than the limit. */
async function measure(out: string): Promise<void> {
  const folder = join(out, 'assets');
  let sum = 0;
  for (const name of (await readdir(folder)).filter((each) => /\.(js|css)$/.test(each)).sort()) {
    const content = await readFile(join(folder, name));
    const gzip = gzipSync(content, { level: 9 }).length;
    sum += gzip;
    process.stdout.write(`${name}: ${content.length} bytes, ${gzip} with gzip\n`);
  }
  process.stdout.write(`dashboard: ${sum} bytes with gzip (at most ${mostBytes})\n`);
  if (sum > mostBytes) throw new Refusal('The dashboard is larger than its limit; remove what made it larger.');
}

try {
  const { out, origins, ...config } = await readSettings();
  await rm(out, { recursive: true, force: true });
  build(out);
  await allow(out, origins);
  await writeFile(join(out, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
  await measure(out);
  process.stdout.write(`The dashboard is in ${out}. Serve this folder over https.\n`);
} catch (error) {
  const isKnown = error instanceof Refusal || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS');
  process.stderr.write(`${isKnown ? (error as Error).message : (error as Error).stack}\n`);
  process.exitCode = 1;
}
