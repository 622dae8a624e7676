import { listed, SynthesizedTemplate } from './support.ts';

const dev = new SynthesizedTemplate('dev');

test('[WH5] the sender is outside of the VPC, may only write its log, and accepts public addresses only', () => {
  const [, { Properties: sender }] = dev
    .ofType('AWS::Lambda::Function')
    .find(([, { Properties }]) => Properties['Description'] === 'Posts signed webhooks to their receivers')!;
  expect(sender['VpcConfig']).toBeUndefined();
  const actions = dev.statementsOf('webhook-sender').flatMap(({ Action }) => listed(Action));
  expect(actions.sort()).toEqual(['logs:CreateLogStream', 'logs:PutLogEvents']);
  expect(dev.environmentOf('webhook-sender')).toMatchObject({ WEBHOOK_TARGETS: 'public' });
  expect(dev.environmentOf('http')).toMatchObject({ WEBHOOK_TARGETS: 'public' });
});

test('[WH7] only the HTTP API and the sweep of webhooks may read the key of the secrets', () => {
  const readers = [
    'http',
    'webhook-sweep',
    'webhook-sender',
    'timeout-sweep',
    'cleanup-sweep',
    'session',
    'authorizer',
  ] as const;
  const reading = readers.filter((handler) => JSON.stringify(dev.statementsOf(handler)).includes('WebhooksKey'));
  expect(reading).toEqual(['http', 'webhook-sweep']);
});
