/**
 * `node scripts/peer-sizes.mjs`: how large the clients of other services are, measured as `client-size.mjs` measures
 * this one. It installs them from the npm registry into a temporary folder; nothing of the project depends on them.
 */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

/** What an application with presence imports of each package. */
const peers = {
  phoenix: "export { Socket, Presence } from 'phoenix'",
  'pusher-js': "export { default } from 'pusher-js'",
  ably: "export { BaseRealtime, FetchRequest, RealtimePresence, WebSocketTransport } from 'ably/modular'",
  '@liveblocks/client': "export { createClient } from '@liveblocks/client'",
  '@supabase/realtime-js': "export { RealtimeClient } from '@supabase/realtime-js'",
};

const folder = await mkdtemp(join(tmpdir(), 'rollcall-peers-'));
try {
  const options = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  execFileSync('npm', ['install', ...options, ...Object.keys(peers)], { cwd: folder, stdio: 'inherit' });
  for (const [name, contents] of Object.entries(peers)) {
    const { outputFiles } = await build({
      stdin: { contents, resolveDir: folder },
      bundle: true,
      minify: true,
      format: 'esm',
      platform: 'browser',
      target: 'es2022',
      define: { 'process.env.NODE_ENV': '"production"' },
      write: false,
      logLevel: 'silent',
    });
    const { version } = JSON.parse(await readFile(join(folder, 'node_modules', name, 'package.json'), 'utf8'));
    const bytes = gzipSync(outputFiles[0].contents, { level: 9 }).length;
    process.stdout.write(`${name}@${version}: ${outputFiles[0].contents.length} bytes minified, ${bytes} with gzip\n`);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
