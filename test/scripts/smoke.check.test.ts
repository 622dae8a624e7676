import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { project, runProgram } from '../docs/support.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';
import { measureAgain, scaleLimit } from '../support/time-limits.ts';

let stack: TestStack;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollcall-smoke-'));
  stack = await startTestStack({ RECONNECT_GRACE_SECONDS: '1' }, { schedules: true });
});
afterAll(async () => {
  await stack.close();
  await rm(folder, { recursive: true, force: true });
});

const smoke = (arguments_: string[], env: Record<string, string> = {}) =>
  runProgram(process.execPath, ['--disable-warning=ExperimentalWarning', 'scripts/smoke.ts', ...arguments_], {
    ...{ cwd: project, env: { ROLLCALL_TOKEN: '', ...env } },
  });

/** The result and name of each check. */
const resultsOf = (output: string) =>
  output.split('\n').flatMap((line) => {
    const [, result, name] = /^(ok|skipped|failed) +([^:]+): /.exec(line) ?? [];
    return result ? [`${result} ${name}`] : [];
  });

const service = [
  ...['health', 'bad handshakes are refused', 'connect', 'join', 'cursor', 'leave', 'a lost connection is announced'],
  ...['audit trail', 'end'],
];
const onlyAws = ['an alarm notifies', 'the passwords of the database rotate'];
const passed = (names: string[]) => names.map((name) => `ok ${name}`);

test('the local stack passes every check, and what only AWS has is skipped by name', async () => {
  const { code, output } = await smoke(['--url', stack.websocket]);
  expect(resultsOf(output)).toEqual([...passed(service), ...onlyAws.map((name) => `skipped ${name}`)]);
  expect([code, output.includes('only AWS has it')]).toEqual([0, true]);
});

test('a deployment that does not deliver frames fails the checks that need them, and the command fails', async () => {
  const faults = (value: object) => fetch(`${stack.http}/dev/faults`, { method: 'POST', body: JSON.stringify(value) });
  await faults({ gone: 1 });
  try {
    const run = () => smoke(['--url', stack.websocket, '--patience', String(scaleLimit(5000) / 1000)]);
    let { code, output } = await run();
    // Something started beside this test, and the limit was too short for an answer or a handshake.
    if (resultsOf(output).some((result) => /^failed (health|connect)$/.test(result))) {
      await measureAgain();
      ({ code, output } = await run());
    }
    expect(resultsOf(output)).toEqual(
      expect.arrayContaining(['ok health', 'ok connect', 'failed join', 'failed cursor', 'failed leave']),
    );
    expect(code).toBe(1);
  } finally {
    await faults({});
  }
});

/** A program `aws` that answers like a stack with an alarm and a rotation, and notes how it was called. */
async function fakeAws(history: string): Promise<Record<string, string>> {
  const calls = join(folder, 'calls');
  const resources = [
    { LogicalResourceId: 'A', PhysicalResourceId: 'alarm-1', ResourceType: 'AWS::CloudWatch::Alarm' },
    ...['secret-1', 'secret-2'].map((id) => ({
      ...{ LogicalResourceId: id, PhysicalResourceId: id, ResourceType: 'AWS::SecretsManager::RotationSchedule' },
    })),
  ];
  const outputs = [
    { OutputKey: 'WebSocketUrl', OutputValue: stack.websocket },
    { OutputKey: 'HttpUrl', OutputValue: `${stack.http}/` },
  ];
  const answers = {
    'describe-stacks': { Stacks: [{ Outputs: outputs }] },
    'list-stack-resources': { StackResourceSummaries: resources },
    'describe-alarms': { MetricAlarms: [{ AlarmName: 'alarm-1', AlarmActions: ['arn:topic'], StateValue: 'OK' }] },
    'describe-alarm-history': { AlarmHistoryItems: [{ HistorySummary: history }] },
  };
  const program = `#!${process.execPath}
const { appendFileSync, readFileSync } = require('node:fs');
appendFileSync(${JSON.stringify(calls)}, process.argv.slice(2).join(' ') + '\\n');
const answers = ${JSON.stringify(answers)};
const [, , , command, , id] = process.argv;
const rotated = () => readFileSync(${JSON.stringify(calls)}, 'utf8').includes('rotate-secret --secret-id ' + id);
console.log(JSON.stringify(command === 'describe-secret' ? { LastRotatedDate: rotated() ? 2 : 1 } : (answers[command] ?? {})));
`;
  await writeFile(calls, '');
  await writeFile(join(folder, 'aws'), program, { mode: 0o755 });
  return { PATH: `${folder}:${process.env['PATH']}` };
}

test('with the name of the stack, an alarm is set and reset, and both passwords are rotated', async () => {
  const { code, output } = await smoke(
    ['--stack', 'rollcall'],
    await fakeAws('Successfully executed action arn:topic'),
  );
  expect(resultsOf(output)).toEqual(passed([...service, ...onlyAws]));
  const calls = await readFile(join(folder, 'calls'), 'utf8');
  const states = [...calls.matchAll(/set-alarm-state --alarm-name alarm-1 --state-value (\w+)/g)].map(
    ([, state]) => state,
  );
  const rotated = [...calls.matchAll(/rotate-secret --secret-id (\S+)/g)].map(([, id]) => id);
  expect([code, states, rotated]).toEqual([0, ['ALARM', 'OK'], ['secret-1', 'secret-2']]);
});

test('an alarm that cannot publish is found', async () => {
  const { code, output } = await smoke(
    ['--stack', 'rollcall', '--patience', '60'],
    await fakeAws('Failed to execute action arn:topic'),
  );
  expect(resultsOf(output)).toContain('failed an alarm notifies');
  expect([code, output.includes('Failed to execute action')]).toEqual([1, true]);
});

test.each([
  [[], 'Name the deployment'],
  [['--url', 'https://example.com'], 'it must begin with wss://'],
  [['--url', 'wss://example.com/live'], '--http https://'],
  [['--url', 'wss://example.com/live', '--http', 'https://example.com'], 'Set ROLLCALL_TOKEN'],
])('with %j the command says what is missing', async (arguments_, sentence) => {
  const { code, output } = await smoke(arguments_);
  expect([code, output]).toEqual([2, expect.stringContaining(sentence)]);
});
