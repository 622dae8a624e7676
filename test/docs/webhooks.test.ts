import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { retryDelays } from '../../lambdas/webhooks/retry-plan.ts';
import { makeWebhookSecret, webhookHeaders } from '../../lambdas/webhooks/webhook-signature.ts';
import { webhookEventTypes } from '../../protocol/webhooks.ts';

const project = join(__dirname, '..', '..');
const page = readFileSync(join(project, 'docs', 'webhooks.md'), 'utf8');
const codeAfter = (mark: string) => /```\w+\n([\s\S]*?)```/.exec(page.split(`<!-- ${mark} -->`)[1]!)![1]!;
const secret = makeWebhookSecret();
const body = '{"type":"user.left","timestamp":"2026-01-01T00:00:00.000Z","data":{"username":"Zoë","cause":"left"}}';
const signed = (timestamp = Math.floor(Date.now() / 1000), secrets = [secret]) =>
  webhookHeaders({ id: 'e-1', timestamp, body }, secrets);

const folder = mkdtempSync(join(tmpdir(), 'rollcall-receiver-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test('[WH2] the receiver of the page accepts what Rollcall signed, once, and nothing else', async () => {
  const file = join(folder, 'receiver.mjs');
  writeFileSync(file, codeAfter('receiver.mjs'));
  const port = await freePort();
  const env = { ...process.env, WEBHOOK_SECRET: secret, PORT: String(port) };
  const receiver = spawn(join(project, 'node_modules', '.bin', 'node'), [file], { env });
  const lines = createInterface(receiver.stdout)[Symbol.asyncIterator]();
  try {
    expect((await lines.next()).value).toBe('listening');
    const post = async (headers: Record<string, string>, text = body) =>
      (await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', headers, body: text })).status;
    expect(await post(signed(undefined, [makeWebhookSecret()]))).toBe(401);
    expect(await post(signed(), body.replace('left', 'gone'))).toBe(401);
    expect(await post(signed(Math.floor(Date.now() / 1000) - 400))).toBe(401);
    expect(await post({})).toBe(401);
    expect(await post(signed(undefined, [makeWebhookSecret(), secret]))).toBe(204);
    expect((await lines.next()).value).toBe('2026-01-01T00:00:00.000Z user.left Zoë left');
    expect(await post(signed())).toBe(204);
  } finally {
    receiver.kill();
  }
  expect((await lines.next()).done).toBe(true);
});

test('[WH2] the openssl lines of the page compute the signature', async () => {
  const headers = signed(1_800_000_000);
  const env = {
    ...{ PATH: process.env['PATH'] ?? '', WEBHOOK_SECRET: secret, WEBHOOK_ID: headers['webhook-id']! },
    ...{ WEBHOOK_TIMESTAMP: headers['webhook-timestamp']!, BODY: body },
  };
  const output = await new Promise<string>((resolve, reject) => {
    execFile('sh', ['-c', codeAfter('verify with openssl')], { env }, (error, stdout) =>
      error ? reject(error) : resolve(stdout),
    );
  });
  expect(`v1,${output.trim()}`).toBe(headers['webhook-signature']);
});

test('[WH3] the page names each event type, and the waits between the attempts', () => {
  for (const type of webhookEventTypes) expect(page).toContain(`| \`${type}\``);
  const names = { second: 1000, minute: 60_000, hour: 3_600_000 };
  const waits = [...page.matchAll(/^\| +\d \| (\d+) (second|minute|hour)s? +\|$/gm)];
  expect(waits.map(([, count, unit]) => Number(count) * names[unit as keyof typeof names])).toEqual([...retryDelays]);
});
