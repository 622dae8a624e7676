import { SynthesizedTemplate } from './support.ts';

const dev = new SynthesizedTemplate('dev');
const prod = new SynthesizedTemplate('prod');

/** What prod must keep when the stack is deleted or a resource is replaced. The instance leaves a snapshot. */
const kept: [what: string, type: string, id: string, policy: string][] = [
  ['the database', 'AWS::RDS::DBInstance', 'SessionDatabase', 'Snapshot'],
  ['the outbox', 'AWS::DynamoDB::Table', 'ActivityOutbox', 'Retain'],
  ['the key that signs invites', 'AWS::SecretsManager::Secret', 'InviteSecret', 'Retain'],
  ['the key that signs checkpoints', 'AWS::KMS::Key', 'CheckpointKey', 'Retain'],
];

test.each(kept)(
  'prod keeps %s when the stack is deleted or the resource is replaced, and dev does not',
  (_, type, start, policy) => {
    const policiesIn = (template: SynthesizedTemplate) =>
      template
        .ofType(type)
        .filter(([id]) => id.startsWith(start))
        .map(([, resource]) => {
          const { DeletionPolicy, UpdateReplacePolicy } = resource as unknown as Record<string, unknown>;
          return [DeletionPolicy, UpdateReplacePolicy];
        });
    expect(policiesIn(prod)).toEqual([[policy, policy]]);
    expect(policiesIn(dev)).toEqual([['Delete', 'Delete']]);
  },
);
