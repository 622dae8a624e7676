import { tableKeys } from '../../lambdas/platform/environment.ts';
import { SynthesizedTemplate } from './support.ts';

const dev = new SynthesizedTemplate('dev');
const prod = new SynthesizedTemplate('prod');
const type = 'AWS::DynamoDB::Table';

function keySchema(partitionKey: string, sortKey: string) {
  return [
    { AttributeName: partitionKey, KeyType: 'HASH' },
    { AttributeName: sortKey, KeyType: 'RANGE' },
  ];
}

test.each(['connections', 'outbox'] as const)('the table of the %s has the keys that its functions use', (name) => {
  const keys = tableKeys[name];
  const indexes = Object.entries(keys.indexes as Record<string, { partitionKey: string; sortKey: string }>);
  const found = dev
    .ofType(type)
    .find(
      ([, table]) =>
        JSON.stringify(table.Properties['KeySchema']) === JSON.stringify(keySchema(keys.partitionKey, keys.sortKey)),
    );
  expect(found?.[1].Properties).toMatchObject({
    BillingMode: 'PAY_PER_REQUEST',
    TimeToLiveSpecification: { AttributeName: keys.timeToLive, Enabled: true },
  });
  const schemas = (
    (found?.[1].Properties['GlobalSecondaryIndexes'] ?? []) as { IndexName: string; KeySchema: object }[]
  ).map(({ IndexName, KeySchema }) => [IndexName, KeySchema]);
  expect(schemas).toEqual(indexes.map(([id, key]) => [id, keySchema(key.partitionKey, key.sortKey)]));
});

test('queries may use the indexes of the connection table, by name', () => {
  const resources = dev
    .statementsOf('session')
    .filter(({ Action }) => Action === 'dynamodb:Query')
    .map(({ Resource }) => JSON.stringify(Resource));
  expect(resources).toHaveLength(1);
  for (const index of Object.keys(tableKeys.connections.indexes)) expect(resources[0]).toContain(`/index/${index}"`);
});

test('in prod the outbox, which holds acknowledged activity, is backed up and kept when the stack is deleted', () => {
  const [, outbox] = prod.ofType(type).find(([id]) => id.startsWith('ActivityOutbox'))!;
  expect(outbox.DeletionPolicy).toBe('Retain');
  expect(outbox.Properties['PointInTimeRecoverySpecification']).toEqual({ PointInTimeRecoveryEnabled: true });
});
