import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { basename, extname, join, relative, sep } from 'node:path';
import { requestUrl } from '../http/request-url.ts';
import { runProgram } from '../processes/program.ts';
import { openBuildCache } from '../synthesis/build-cache.ts';
import { contentHash } from '../synthesis/content-hash.ts';
import { sentenceOf } from '../synthesis/synthesize.ts';

interface Page {
  content: Buffer;
  type: string;
  cacheControl: string;
}

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
};

const placeholder = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Rollcall</title>
<h1>Rollcall is running</h1><p>The WebSocket API is at <code>/live</code>, a token at
<a href="/dev/token?user=alice&amp;name=Alice">/dev/token?user=alice&amp;name=Alice</a>.</p></html>`;

/** The pages of the demo and the dashboard, kept in memory. `/name` serves `name.html` or `name/index.html`. */
export class Pages {
  readonly #pages: Map<string, Page>;

  private constructor(pages: Map<string, Page>) {
    this.#pages = pages;
  }

  /** Reads a folder of built pages. Without one, it serves a short page about the stack. */
  static async open(directory: string | undefined): Promise<Pages> {
    const pages = new Map<string, Page>();
    if (!directory) {
      pages.set('/', { content: Buffer.from(placeholder), type: types['.html']!, cacheControl: 'no-cache' });
      return new Pages(pages);
    }
    for (const entry of await readdir(directory, { withFileTypes: true, recursive: true })) {
      if (!entry.isFile()) continue;
      const file = join(entry.parentPath, entry.name);
      const path = `/${relative(directory, file).split(sep).join('/')}`;
      // Names of built scripts and styles contain a hash of their content, so they can be cached for ever.
      const cacheControl = path.includes('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache';
      const page = {
        content: await readFile(file),
        type: types[extname(file)] ?? 'application/octet-stream',
        cacheControl,
      };
      pages.set(path, page);
      if (path.endsWith('.html')) pages.set(path.replace(/(index)?\.html$/, ''), page);
    }
    return new Pages(pages);
  }

  /** @returns false if there is no such page. */
  handle(request: IncomingMessage, response: ServerResponse): boolean {
    if (request.method !== 'GET' && request.method !== 'HEAD') return false;
    const { pathname, search } = requestUrl(request);
    const page = this.#pages.get(pathname);
    if (!page && this.#pages.has(`${pathname}/`)) {
      // The addresses in the page are relative to its folder.
      response.writeHead(308, { Location: `${pathname}/${search}` }).end();
      return true;
    }
    if (!page) return false;
    response.writeHead(200, {
      'Content-Type': page.type,
      'Content-Length': page.content.length,
      'Cache-Control': page.cacheControl,
      'X-Content-Type-Options': 'nosniff',
    });
    response.end(request.method === 'HEAD' ? undefined : page.content);
    return true;
  }
}

/**
 * Builds the demo and the dashboard with Vite, unless the cache has a build of the same sources.
 *
 * @returns the folder of the built pages, or undefined if the project has no demo. The dashboard is in its folder `dashboard`.
 * @throws Error with Vite's message if the build fails.
 */
export async function buildPages(
  projectDirectory: string,
  progress: (line: string) => void,
  signal?: AbortSignal,
): Promise<string | undefined> {
  if (!existsSync(join(projectDirectory, 'demo/index.html'))) return undefined;
  const sources = ['demo', 'dashboard', 'client', 'protocol', 'package-lock.json'];
  const hash = await contentHash(projectDirectory, sources, { node: process.version });
  const cache = openBuildCache(join(projectDirectory, 'node_modules/.cache/rollcall'));
  return cache.folder('demo', hash, async (directory) => {
    progress('Building the demo and the dashboard …');
    // The build of the demo empties the folder, so it comes first.
    await buildFolder(join(projectDirectory, 'demo'), directory, '/', signal);
    const dashboard = join(projectDirectory, 'dashboard');
    if (existsSync(dashboard)) await buildFolder(dashboard, join(directory, 'dashboard'), './', signal);
  });
}

async function buildFolder(root: string, output: string, base: string, signal?: AbortSignal): Promise<void> {
  const arguments_ = [join(import.meta.dirname, 'build-pages.ts'), root, output, base];
  const { code, complaints } = await runProgram(process.execPath, arguments_, { signal });
  if (code !== 0) throw new Error(`The ${basename(root)} cannot be built: ${sentenceOf(complaints) ?? `code ${code}`}`);
}
