import { SynthesizedTemplate } from './support.ts';

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

test('no other function is replaced before the migrations have run', () => {
  for (const [handler, fn] of dev.functions()) {
    expect([handler, fn.DependsOn?.includes(triggerId) ?? false]).toEqual([handler, handler !== 'migrate']);
  }
});
