import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { tokenOf } from '../support/client.ts';
import { admin, api, closeWebhookBed, openWebhookBed, receiver, stack, until } from '../support/webhook-bed.ts';
import { isSigned } from '../support/webhook-receiver.ts';

const project = join(__dirname, '..', '..');

beforeAll(openWebhookBed);
afterAll(closeWebhookBed);

test('[WH7] only an admin manages endpoints, and mistakes are explained', async () => {
  const { token } = await tokenOf(stack, 'nobody');
  const id = '00000000-0000-4000-8000-000000000000';
  for (const [method, path] of [
    ...[
      ['GET', '/webhooks'],
      ['POST', '/webhooks'],
      ['GET', `/webhooks/${id}`],
      ['PATCH', `/webhooks/${id}`],
    ],
    ...[
      ['DELETE', `/webhooks/${id}`],
      ['POST', `/webhooks/${id}/rotate`],
      ['POST', `/webhooks/${id}/test`],
    ],
    ...[
      ['POST', `/webhooks/${id}/replay`],
      ['GET', `/webhooks/${id}/deliveries`],
    ],
  ] as [string, string][]) {
    const body = method === 'GET' ? undefined : {};
    expect([method, path, (await api(method, path, body, token)).status]).toEqual([method, path, 403]);
    expect([method, path, (await api(method, path, body, 'no.token.at-all')).status]).toEqual([method, path, 401]);
    if (path !== '/webhooks')
      expect((await api(method, path, path.endsWith('replay') ? { dead: true } : body)).status).toBe(404);
  }
  const refused = async (body: unknown) => (await api('POST', '/webhooks', body)).body;
  expect(await refused({ url: 'nonsense' })).toMatchObject({
    code: 'INVALID_MESSAGE',
    message: expect.stringContaining('URL'),
  });
  expect(await refused({ url: 'https://a.example/', events: ['user.sneezed'] })).toMatchObject({
    code: 'INVALID_MESSAGE',
  });
  expect(await refused({ url: 'https://a.example/', typo: 1 })).toMatchObject({
    message: expect.stringContaining('typo'),
  });
  expect(await refused({ url: 'https://a.example/', session: 'SESSION-NONE' })).toMatchObject({
    code: 'SESSION_NOT_FOUND',
  });
  expect((await api('GET', '/webhooks/nonsense')).status).toBe(404);
  expect((await api('GET', `/webhooks/${id}/deliveries?before=x`)).status).toBe(400);
});

/** Runs `npx rollcall webhooks`, as an operator does. */
function cli(...given: string[]): Promise<{ code: number; output: string }> {
  const node = join(project, 'node_modules', '.bin', 'node');
  const env = { PATH: process.env['PATH'] ?? '', ROLLCALL_TOKEN: admin };
  const parameters = ['scripts/webhooks.ts', ...given, '--api', stack.http];
  return new Promise((resolve) => {
    execFile(node, parameters, { cwd: project, env }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, output: stdout + stderr }),
    );
  });
}

test('[WH7][WH8] the command line adds, tries, rotates, replays and removes an endpoint', async () => {
  expect(await cli('list')).toEqual({ code: 0, output: 'There is no endpoint.\n' });
  const added = await cli(
    'add',
    receiver.url('/cli'),
    '--events',
    'user.left',
    '--key',
    'doc-*',
    '--description',
    'for a test',
  );
  const [id] = /[0-9a-f-]{36}/.exec(added.output) ?? [''];
  const [secret] = /whsec_\S+/.exec(added.output) ?? [''];
  expect(added.output).toContain('events: user.left; key doc-*');
  const tried = await cli('test', id);
  expect(tried).toEqual({
    code: 0,
    output: expect.stringContaining('webhook.test  delivered, attempts: 1, last answer: 200 "thanks"'),
  });
  expect(isSigned(receiver.at('/cli')[0]!, secret)).toBe(true);
  expect((await cli('rotate', id, '--overlap', '60')).output).toMatch(/whsec_(?!.*not shown).+/);
  expect((await cli('disable', id)).output).toContain('disabled by an admin');
  expect(await cli('test', id)).toEqual({ code: 2, output: 'The endpoint is disabled. Enable it before the test.\n' });
  expect((await cli('enable', id)).output).toContain('enabled; waiting: 0, dead letters: 0');
  const { eventId } = JSON.parse((await cli('deliveries', id, '--state', 'delivered', '--json')).output).items[0];
  expect((await cli('replay', id, '--event', eventId)).output).toBe('Events that are sent again: 1.\n');
  await until(() => receiver.at('/cli').length === 2, 'Missing: the replay');
  expect((await cli('list')).output).not.toContain(secret.slice(6));
  expect(await cli('remove', id)).toEqual({ code: 0, output: 'The endpoint is removed.\n' });
  expect(await cli('remove', id)).toMatchObject({ code: 2, output: expect.stringContaining('no endpoint') });
  expect((await cli('nonsense')).output).toContain('Usage: npx rollcall webhooks');
});
