import { sizes } from '../../lib/settings.ts';
import { foreignFunctions, SynthesizedTemplate } from './support.ts';

const dev = new SynthesizedTemplate('dev');
const [triggerId, trigger] = dev.ofType('Custom::Trigger')[0]!;

test('the deployment waits for the function migrate, and fails if it fails', () => {
  const { Ref: versionId } = trigger.Properties['HandlerArn'] as { Ref: string };
  expect(JSON.stringify(dev.resources[versionId]?.Properties['FunctionName'])).toContain('MigrateFunction');
  expect(trigger.Properties).toMatchObject({ InvocationType: 'RequestResponse', ExecuteOnHandlerChange: true });
});

test('migrations run after the database and the network exist', () => {
  const after = trigger.DependsOn!.map((id) => dev.resources[id]?.Type);
  for (const type of ['AWS::RDS::DBInstance', 'AWS::EC2::NatGateway', 'AWS::SecretsManager::SecretTargetAttachment']) {
    expect(after).toContain(type);
  }
});

test('migrations run when their function may reach the database: after all its rules and permissions', () => {
  const own = Object.keys(dev.resources).filter((id) => /^MigrateFunction/.test(id));
  const types = own.map((id) => dev.resources[id]?.Type);
  expect(types).toContain('AWS::EC2::SecurityGroupEgress');
  expect(types).toContain('AWS::IAM::Policy');
  expect(trigger.DependsOn).toEqual(expect.arrayContaining(own.filter((id) => !/CurrentVersion/.test(id))));
});

test('the log of the function that starts the migrations ends', () => {
  const [, provider] = dev
    .ofType('AWS::Lambda::Function')
    .find(([id]) => foreignFunctions.some((f) => id.startsWith(f)))!;
  const { LogGroup } = provider.Properties['LoggingConfig'] as { LogGroup: { Ref: string } };
  expect(dev.resources[LogGroup.Ref]?.Properties['RetentionInDays']).toBe(sizes.dev.logRetentionDays);
});

test('no other function is replaced before the migrations have run', () => {
  for (const [handler, fn] of dev.functions()) {
    expect([handler, fn.DependsOn?.includes(triggerId) ?? false]).toEqual([handler, handler !== 'migrate']);
  }
});
