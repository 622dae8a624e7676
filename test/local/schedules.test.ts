import type { LambdaRuntime } from '../../local/lambda/lambda-runtime.ts';
import { readScheduleExpression } from '../../local/schedules/schedule-expression.ts';
import { Schedules } from '../../local/schedules/schedules.ts';
import { changedAssembly } from './fixtures/assembly.ts';
import { type FixtureStack, startFixtureStack } from './fixtures/fixture-stack.ts';

const at = (text: string) => Date.parse(`${text}Z`);

test.each([
  ['rate(1 minute)', '2026-11-21T10:00:30', '2026-11-21T10:01:30'],
  ['rate(15 minutes)', '2026-11-21T10:00:00', '2026-11-21T10:15:00'],
  ['rate(2 hours)', '2026-11-21T10:00:00', '2026-11-21T12:00:00'],
  ['cron(0/15 * * * ? *)', '2026-11-21T10:00:00', '2026-11-21T10:15:00'],
  ['cron(0/15 * * * ? *)', '2026-11-21T10:46:10', '2026-11-21T11:00:00'],
  ['cron(30 2 * * ? *)', '2026-11-21T10:00:00', '2026-11-22T02:30:00'],
  ['cron(0 9 ? * MON-FRI *)', '2026-11-21T10:00:00', '2026-11-23T09:00:00'],
  ['cron(0 0 1 1,7 ? *)', '2026-11-21T10:00:00', '2027-01-01T00:00:00'],
])('%s after %s fires at %s', (expression, after, next) => {
  expect(readScheduleExpression(expression)(at(after))).toBe(at(next));
});

test.each(['rate(0 minutes)', 'every minute', 'cron(* * *)', 'cron(0 0 L * ? *)'])('%s is refused', (expression) => {
  expect(() => readScheduleExpression(expression)).toThrow(/schedule/i);
});

test('a firing does not wait for the previous run', () => {
  jest.useFakeTimers();
  try {
    const fired: string[] = [];
    const runtime = {
      invokeLater(name: string) {
        fired.push(name);
        return new Promise<void>(() => {});
      },
    } as unknown as LambdaRuntime;
    const rule = {
      name: 'slow',
      logicalId: 'slow',
      expression: 'rate(1 minute)',
      targets: [{ functionName: 'f', input: undefined }],
    };
    const schedules = new Schedules([rule], runtime);
    schedules.start(Date.now());
    jest.advanceTimersByTime(1000);
    expect(fired).toHaveLength(1);
    jest.advanceTimersByTime(3 * 60_000);
    expect(fired).toHaveLength(4);
    schedules.stop();
    jest.advanceTimersByTime(10 * 60_000);
    expect(fired).toHaveLength(4);
  } finally {
    jest.useRealTimers();
  }
});

describe('the rules of a stack', () => {
  let stack: FixtureStack;

  beforeAll(async () => {
    stack = await startFixtureStack();
  });
  afterAll(() => stack.close());

  test('fire once shortly after the start, with the event of EventBridge', async () => {
    const own = await startFixtureStack({ schedules: true });
    expect(await own.recorder.next('timed')).toMatchObject({
      source: 'aws.events',
      'detail-type': 'Scheduled Event',
      resources: [expect.stringMatching(/^arn:aws:events:.*:rule\/EveryMinute/)],
      detail: {},
    });
    await own.close();
  });

  test.each(['EveryMinute2BBCEA8F', 'every-minute', 'timed'])('fire manually by the name %s', async (name) => {
    const before = stack.recorder.of('timed').length;
    const response = await fetch(`${stack.http}/dev/fire?schedule=${name}`, { method: 'POST' });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      schedule: 'EveryMinute2BBCEA8F',
      runs: [{ functionName: expect.stringMatching(/^timedFunction/), answer: { attempts: expect.any(Number) } }],
    });
    expect(stack.recorder.of('timed')).toHaveLength(before + 1);
  });

  test('are listed if an unknown one is requested', async () => {
    const response = await fetch(`${stack.http}/dev/fire?schedule=never`, { method: 'POST' });
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({ message: 'There is no schedule "never"; use EveryMinute2BBCEA8F.' });
    await expect(stack.fireSchedule('never')).rejects.toThrow('There is no schedule "never"');
  });

  test('retry a failed event twice', async () => {
    const assembly = await changedAssembly((template) => {
      const rule = Object.values(template.Resources).find(({ Type }) => Type === 'AWS::Events::Rule')!;
      (rule.Properties!['Targets'] as { Input?: string }[])[0]!.Input = JSON.stringify({ failures: 2 });
    });
    const failing = await startFixtureStack({ assemblyDirectory: assembly.directory, schedules: true });
    await failing.recorder.next('timed', 3);
    expect(failing.lines.filter((line) => /attempt \d fails/.test(line))).toHaveLength(2);
    await failing.close();
    await assembly.remove();
  });
});
