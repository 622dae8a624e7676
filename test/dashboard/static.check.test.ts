import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import { newPage } from '../support/browser.ts';
import { tokenOf } from '../support/client.ts';
import { useDashboard } from '../support/dashboard.ts';
import { IdentityServer } from '../support/identity-server.ts';

// The static build, served from another origin than the service.

const run = promisify(execFile);
const project = join(__dirname, '../..');
const dashboard = useDashboard();
const types: Record<string, string> = {
  ...{
    '.html': 'text/html',
    '.js': 'text/javascript',
    '.css': 'text/css',
    '.json': 'application/json',
    '.svg': 'image/svg+xml',
  },
};
let folder: string;
let server: Server;
let identity: IdentityServer;

const build = (...more: string[]) =>
  run(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', 'scripts/build-dashboard.ts', `--out=${join(folder, 'site')}`, ...more],
    {
      cwd: project,
    },
  );
const adminToken = async () => (await tokenOf(dashboard.stack, 'root', { admin: true })).token;
const service = () => [`--socket=${dashboard.stack.websocket}`, `--http=${dashboard.stack.http}`];
const address = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/ops/`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollcall-dashboard-'));
  identity = await IdentityServer.start(adminToken);
  server = createServer((request, response) => {
    const name = new URL(request.url!, 'http://x').pathname.replace(/^\/ops\//, '') || 'index.html';
    readFile(join(folder, 'site', name)).then(
      (content) => response.writeHead(200, { 'Content-Type': types[extname(name)] ?? 'text/plain' }).end(content),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await identity.close();
  await rm(folder, { recursive: true, force: true });
});

async function open(view = ''): Promise<Page> {
  const page = await newPage(dashboard.browser);
  await page.goto(`${address()}#/${view}`);
  return page;
}
const isLive = (page: Page) => page.getByText('Live', { exact: true }).waitFor();

test('without an identity provider the operator pastes a token, and signs out again', async () => {
  const { stdout } = await build(...service());
  expect(stdout).toMatch(/^dashboard: \d+ bytes with gzip \(at most 54000\)$/m);
  const page = await open();
  await page.getByLabel('Token').fill('no token');
  await page.getByRole('button', { name: 'Open the dashboard' }).click();
  await page.getByLabel('Token').fill(await adminToken());
  await page.getByRole('button', { name: 'Open the dashboard' }).click();
  await isLive(page);
  await page.locator('canvas, .plot-empty').first().waitFor();
  await page.reload();
  await isLive(page);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByLabel('Token').waitFor();
  await page.reload();
  await page.getByLabel('Token').waitFor();
  await page.context().close();
});

test('with an identity provider the operator signs in there, with a proof instead of a secret, and returns to the same view', async () => {
  await build(...service(), `--issuer=${identity.issuer}`, '--client-id=dashboard');
  const page = await open('sessions?by=dollars');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await isLive(page);
  expect(page.url()).toBe(`${address()}#/sessions?by=dollars`);
  expect(Object.fromEntries(identity.asked.at(-1)!)).toMatchObject({
    ...{ grant_type: 'authorization_code', client_id: 'dashboard', redirect_uri: address() },
  });
  expect([...identity.asked.at(-1)!.keys()]).not.toContain('client_secret');
  await page.context().close();
  // An answer that the page did not ask for is refused.
  const other = await newPage(dashboard.browser);
  await other.goto(`${address()}?code=stolen&state=other#/`);
  await other.getByRole('button', { name: 'Sign in' }).waitFor();
  await other.context().close();
});

test('the build names only the given addresses, allows no other connection, and has no token', async () => {
  await build(...service());
  const site = join(folder, 'site');
  const page = await readFile(join(site, 'index.html'), 'utf8');
  const [, allowed] = /connect-src ([^;]+);/.exec(page)!;
  const { http, websocket } = dashboard.stack;
  expect(allowed!.split(' ')).toEqual(["'self'", new URL(websocket).origin, http]);
  expect(JSON.parse(await readFile(join(site, 'config.json'), 'utf8'))).toEqual({
    ...{ socketUrl: websocket, httpUrl: `${http}/`, signIn: { kind: 'paste' } },
  });
  const names = (await readdir(site, { recursive: true })).filter((name) => extname(name) !== '');
  for (const name of names) expect(await readFile(join(site, name), 'utf8')).not.toMatch(/eyJ[\w-]{20}|PRIVATE KEY/);
});

test.each([
  [[], 'The option --socket must be an address that begins with wss://'],
  [['--socket=wss://a.example/live', '--http=b'], 'The option --http must be an address that begins with https://'],
  [
    ['--socket=wss://a.example/live', '--http=https://b.example', '--issuer=https://c.example'],
    'both --issuer and --client-id',
  ],
])('a build with the options %j is refused in one sentence', async (options, sentence) => {
  await expect(build(...options)).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining(sentence) });
});
