import { handlerNames } from '../../lib/handlers.ts';
import { environments } from '../../protocol/settings.ts';
import { listed, SynthesizedTemplate } from './support.ts';

test.each(environments)('%s signs checkpoints with an asymmetric key', (name) => {
  const { template } = new SynthesizedTemplate(name);
  template.hasResource('AWS::KMS::Key', {
    DeletionPolicy: name === 'prod' ? 'Retain' : 'Delete',
    Properties: { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' },
  });
});

test('only the clean-up may sign, and with this key alone', () => {
  const prod = new SynthesizedTemplate('prod');
  for (const handler of handlerNames) {
    const statements = prod
      .statementsOf(handler)
      .filter(({ Action }) => listed(Action).some((action) => action.startsWith('kms:')));
    const expected = {
      Action: ['kms:Sign', 'kms:GetPublicKey'],
      Effect: 'Allow',
      Resource: prod.environmentOf(handler)['CHECKPOINT_KEY_ARN'],
    };
    expect([handler, statements]).toEqual([handler, handler === 'cleanup-sweep' ? [expected] : []]);
  }
});
