import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildPages, Pages } from '../../local/pages/pages.ts';

let project: string;
let server: Server;
let origin: string;

beforeEach(async () => {
  project = await mkdtemp(join(tmpdir(), 'rollcall-pages-'));
  await mkdir(join(project, 'demo'));
});
afterEach(async () => {
  if (server?.listening) await new Promise((resolve) => server.close(resolve));
  await rm(project, { recursive: true, force: true });
});

const write = (name: string, text: string) => writeFile(join(project, 'demo', name), text);
const html = (title: string, script: string) =>
  `<!doctype html><html><head><title>${title}</title></head><body><script type="module" src="./${script}"></script></body></html>`;

async function serve(directory: string | undefined): Promise<void> {
  const pages = await Pages.open(directory);
  server = createServer((request, response) => {
    if (!pages.handle(request, response)) response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function get(path: string, method = 'GET') {
  const response = await fetch(`${origin}${path}`, { method, headers: { connection: 'close' } });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

test('the pages of the demo are built once and served by name', async () => {
  await write('index.html', html('Cursors', 'main.ts'));
  await write('dashboard.html', html('Health', 'main.ts'));
  await write('main.ts', 'const greeting: string = "built from TypeScript";\ndocument.title += greeting;\n');
  const lines: string[] = [];
  const directory = await buildPages(project, (line) => lines.push(line));
  expect(await buildPages(project, (line) => lines.push(line))).toBe(directory);
  expect(lines).toEqual(['Building the demo and the dashboard …']);
  await serve(directory);
  const index = await get('/');
  expect(index).toMatchObject({ status: 200, text: expect.stringContaining('<title>Cursors</title>') });
  expect(index.headers.get('cache-control')).toBe('no-cache');
  expect((await get('/dashboard')).text).toContain('<title>Health</title>');
  const script = /src="(\/assets\/[^"]+\.js)"/.exec(index.text)?.[1];
  const built = await get(script!);
  expect(built.text).toContain('built from TypeScript');
  expect(built.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
  expect(built.headers.get('cache-control')).toContain('immutable');
  expect(await get('/', 'HEAD')).toMatchObject({ status: 200, text: '' });
});

test('the dashboard is built into a folder of its own and served with and without a slash', async () => {
  await write('index.html', html('Cursors', 'main.ts'));
  await write('main.ts', 'export {};');
  await mkdir(join(project, 'dashboard'));
  await writeFile(join(project, 'dashboard/index.html'), html('Figures', 'main.ts'));
  await writeFile(join(project, 'dashboard/main.ts'), 'document.title += " of now";\n');
  await serve(await buildPages(project, () => {}));
  const page = await get('/dashboard?token=1');
  expect(page.text).toContain('<title>Figures</title>');
  const script = /src="\.(\/assets\/[^"]+\.js)"/.exec(page.text)?.[1];
  const built = await get(`/dashboard${script}`);
  expect(built.text).toContain(' of now');
  expect(built.headers.get('cache-control')).toContain('immutable');
  const redirect = await fetch(`${origin}/dashboard?a=b`, { redirect: 'manual' });
  expect([redirect.status, redirect.headers.get('location')]).toEqual([308, '/dashboard/?a=b']);
  expect((await get('/')).text).toContain('<title>Cursors</title>');
});

test('files outside the built folder cannot be reached', async () => {
  await write('index.html', html('Cursors', 'main.ts'));
  await write('main.ts', 'export {};');
  await serve(await buildPages(project, () => {}));
  for (const path of ['/../demo/main.ts', '/%2e%2e/%2e%2e/package.json', '/main.ts', '/nothing']) {
    expect((await get(path)).status).toBe(404);
  }
  expect((await get('/', 'POST')).status).toBe(404);
});

test('a failed build of the demo is reported in one sentence', async () => {
  await write('index.html', html('Cursors', 'main.ts'));
  await write('main.ts', 'import { absent } from "./absent.ts";\nabsent();\n');
  await expect(buildPages(project, () => {})).rejects.toThrow(/^The demo cannot be built: .*absent\.ts.*$/);
});

test('without a demo a short page describes the stack', async () => {
  expect(await buildPages(project, () => {})).toBeUndefined();
  await serve(undefined);
  expect(await get('/')).toMatchObject({ status: 200, text: expect.stringContaining('Rollcall is running') });
});
