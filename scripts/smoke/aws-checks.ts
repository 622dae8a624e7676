import { aws } from './aws.ts';
import type { SmokeOptions } from './options.ts';
import { type Check, Skipped } from './run-checks.ts';
import { checkHealth, createAndEnd } from './service-checks.ts';

const onlyAws = 'only AWS has it; name the CloudFormation stack with --stack';

interface Resource {
  LogicalResourceId: string;
  PhysicalResourceId: string;
  ResourceType: string;
}

/** What only AWS can show. Without `--stack` each is skipped by name. */
export function awsChecks(options: SmokeOptions): Check[] {
  const { stack, patienceMillis } = options;
  // AWS allows few of these requests a second.
  const pollMillis = patienceMillis / 6;
  const needsStack = (check: (stack: string) => Promise<string>) => async () => {
    if (stack === undefined) throw new Skipped(onlyAws);
    return check(stack);
  };
  return [
    { name: 'an alarm notifies', run: needsStack((name) => checkAlarm(name, pollMillis)) },
    {
      name: 'the passwords of the database rotate',
      run: needsStack((name) => checkRotation(name, options, pollMillis)),
    },
  ];
}

/** Sets an alarm to ALARM for a moment and reads from its history that its action succeeded. */
async function checkAlarm(stack: string, pollMillis: number): Promise<string> {
  const names = (await resourcesOf(stack, 'AWS::CloudWatch::Alarm')).map(
    ({ PhysicalResourceId }) => PhysicalResourceId,
  );
  if (names.length === 0) throw new Skipped('the stack has no alarms');
  const described = (await aws(['cloudwatch', 'describe-alarms', '--alarm-names', ...names])) as {
    MetricAlarms: { AlarmName: string; AlarmActions: string[]; StateValue: string }[];
  };
  const alarm = described.MetricAlarms.find(
    ({ AlarmActions, StateValue }) => AlarmActions.length > 0 && StateValue !== 'ALARM',
  );
  if (!alarm) throw new Error('No alarm has an action and is quiet; add an action, or wait until one is quiet.');
  const began = new Date().toISOString();
  const setState = (state: string) =>
    aws([
      ...['cloudwatch', 'set-alarm-state', '--alarm-name', alarm.AlarmName],
      ...['--state-value', state, '--state-reason', 'npm run smoke'],
    ]);
  await setState('ALARM');
  try {
    const history = ['cloudwatch', 'describe-alarm-history', '--alarm-name', alarm.AlarmName, '--start-date', began];
    const summary = await poll(pollMillis, async () => {
      const { AlarmHistoryItems } = (await aws([...history, '--history-item-type', 'Action'])) as {
        AlarmHistoryItems: { HistorySummary: string }[];
      };
      return AlarmHistoryItems[0]?.HistorySummary;
    });
    if (!/successfully executed/i.test(summary)) throw new Error(`The action of ${alarm.AlarmName} failed: ${summary}`);
  } finally {
    await setState(alarm.StateValue === 'OK' ? 'OK' : 'INSUFFICIENT_DATA');
  }
  return alarm.AlarmName;
}

/** Rotates the password of each user. After each rotation it needs the database again, with a new connection. */
async function checkRotation(stack: string, options: SmokeOptions, pollMillis: number): Promise<string> {
  const schedules = await resourcesOf(stack, 'AWS::SecretsManager::RotationSchedule');
  if (schedules.length === 0) throw new Skipped('the stack rotates no password');
  for (const { PhysicalResourceId: secret } of schedules) {
    await rotate(secret, pollMillis);
    await checkHealth(options);
    await createAndEnd(options);
  }
  return `${schedules.length} rotated, and a new session was created after each`;
}

async function rotate(secret: string, pollMillis: number): Promise<void> {
  const rotatedAt = async () =>
    ((await aws(['secretsmanager', 'describe-secret', '--secret-id', secret])) as { LastRotatedDate?: unknown })
      .LastRotatedDate;
  const before = JSON.stringify(await rotatedAt());
  await aws(['secretsmanager', 'rotate-secret', '--secret-id', secret]);
  await poll(pollMillis, async () => (JSON.stringify(await rotatedAt()) === before ? undefined : true));
}

async function resourcesOf(stack: string, type: string): Promise<Resource[]> {
  const answer = await aws(['cloudformation', 'list-stack-resources', '--stack-name', stack]);
  const { StackResourceSummaries } = answer as { StackResourceSummaries: Resource[] };
  return StackResourceSummaries.filter(({ ResourceType }) => ResourceType === type);
}

/** Asks until there is an answer. The runner ends the check when its time is over. */
async function poll<T>(pollMillis: number, ask: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await new Promise((resolve) => setTimeout(resolve, pollMillis));
  }
}
