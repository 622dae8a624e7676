import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import { tokenLeewaySeconds } from '../../protocol/timings.ts';
import { newPage } from '../support/browser.ts';
import { tokenOf } from '../support/client.ts';
import { useDashboard } from '../support/dashboard.ts';
import { IdentityServer } from '../support/identity-server.ts';
import { signToken } from '../support/sign-token.ts';

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
/** Makes the tokens of the identity provider. */
let makeToken = adminToken;
const service = () => [`--socket=${dashboard.stack.websocket}`, `--http=${dashboard.stack.http}`];
const address = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/ops/`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollcall-dashboard-'));
  identity = await IdentityServer.start(() => makeToken());
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
  expect(stdout).toMatch(/^dashboard: \d+ bytes with gzip \(at most 55000\)$/m);
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

/** Signs in at the identity provider and opens a view. */
async function signedIn(view: string, expiresIn: number): Promise<Page> {
  Object.assign(identity, { expiresIn, refreshes: true, isAway: false, wasReused: false });
  identity.asked.splice(0);
  const page = await open(view);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await isLive(page);
  return page;
}
const renewals = () => identity.asked.filter((asked) => asked.get('grant_type') === 'refresh_token');

describe('a sign-in at an identity provider', () => {
  beforeAll(() => build(...service(), `--issuer=${identity.issuer}`, '--client-id=dashboard'));

  test('is renewed once although six requests need the token at the same time, and the page goes on', async () => {
    // The page renews a token that expires within a minute.
    const page = await signedIn('', 50);
    const before = renewals().length;
    await page.getByRole('link', { name: 'Analytics' }).click();
    await page
      .getByText('Nothing was counted yet.')
      .or(page.getByText(/^Counted until/))
      .waitFor();
    expect(renewals().length).toBeGreaterThan(before);
    expect(identity.wasReused).toBe(false);
    expect(Object.fromEntries(renewals().at(-1)!)).toEqual({
      ...{ grant_type: 'refresh_token', client_id: 'dashboard', refresh_token: expect.any(String) },
    });
    await page.getByRole('link', { name: 'Now' }).click();
    await isLive(page);
    await page.context().close();
  });

  test('goes on with its token while the provider is away, says so after the expiry, and recovers', async () => {
    const page = await signedIn('analytics', 50);
    const isShown = page.getByText('Nothing was counted yet.').or(page.getByText(/^Counted until/));
    const asksAgain = async (days: string) => {
      const answered = page.waitForResponse((reply) => reply.url().includes('/analytics/usage'));
      await page.getByLabel('Period').selectOption(days);
      return (await answered).status();
    };
    await isShown.waitFor();
    identity.isAway = true;
    expect(await asksAgain('7')).toBe(200);
    await isShown.waitFor();
    Object.assign(identity, { isAway: false, expiresIn: 1 });
    expect(await asksAgain('90')).toBe(200);
    identity.isAway = true;
    const alert = page.getByRole('alert').filter({ hasText: 'The identity provider does not answer' });
    for (let days = 7; !(await alert.isVisible()); days = days === 7 ? 30 : 7) {
      await page.getByLabel('Period').selectOption(String(days));
      await isShown.or(alert).first().waitFor();
    }
    identity.isAway = false;
    await alert.getByRole('button', { name: 'Try again' }).click();
    await alert.waitFor({ state: 'detached' });
    await isShown.waitFor();
    await page.context().close();
  });

  test('says that the provider does not answer, and works when it does', async () => {
    identity.isAway = true;
    const page = await open();
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('The identity provider does not answer').waitFor();
    identity.isAway = false;
    await page.getByRole('button', { name: 'Sign in' }).click();
    await isLive(page);
    await page.context().close();
  });

  test('that the provider ends leads to the page for signing in', async () => {
    const page = await signedIn('analytics', 50);
    identity.revoke();
    await page.getByLabel('Period').selectOption('7');
    await page.getByText('The service does not accept this sign-in any more; sign in again.').waitFor();
    await page.getByRole('button', { name: 'Sign in' }).click();
    await isLive(page);
    await page.context().close();
  });

  test('keeps the figures live after the first token has expired', async () => {
    const lifeSeconds = 20;
    const claims = { sub: randomUUID(), name: 'Root', scope: 'rollcall/admin' };
    const before = makeToken;
    makeToken = () => signToken(dashboard.stack, claims, lifeSeconds + tokenLeewaySeconds);
    const expires = Date.now() + 2 * lifeSeconds * 1000;
    const page = await signedIn('', lifeSeconds);
    // A person is present, so a sweep makes figures.
    await dashboard.stack.host('olive');
    await page.waitForFunction(
      ([time]) => {
        const secondOf = (clock: string) => clock.split(':').reduce((sum, part) => 60 * sum + Number(part), 0);
        const [clock] = document.querySelector('.updated')!.textContent!.match(/[\d:]+$/) ?? [];
        // After midnight the clock begins anew.
        const ahead = clock ? (secondOf(clock) - secondOf(time!) + 86_400) % 86_400 : 0;
        return ahead > 0 && ahead < 43_200;
      },
      [new Date(expires).toLocaleTimeString('en-GB')],
    );
    expect(await page.getByText('Live', { exact: true }).isVisible()).toBe(true);
    expect(renewals().length).toBeGreaterThan(1);
    expect(identity.wasReused).toBe(false);
    makeToken = before;
    await page.context().close();
  });
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
