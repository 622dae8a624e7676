import { bundleHandlers } from '../../lib/bundle.ts';
import { methodCommands } from '../../scripts/aws-check/method-commands.ts';
import { checkPermissions } from '../../scripts/aws-check/permissions.ts';
import { usesOfBundles } from '../../scripts/aws-check/uses.ts';
import { find, prodTemplate, told } from './templates.ts';

const uses = usesOfBundles(bundleHandlers().metafile);
const [cursor] = find(prodTemplate(), 'AWS::Lambda::Function', 'CursorFunction');

/** The policy of the function `cursor`. */
function policyIn(template: ReturnType<typeof prodTemplate>) {
  return find(template, 'AWS::IAM::Policy', 'CursorFunctionRole')[1]['PolicyDocument'] as {
    Statement: { Action: string | string[]; Effect: string; Resource: unknown }[];
  };
}

test('in prod each function may do what its code does, and nothing else', () => {
  expect(told(checkPermissions(prodTemplate(), uses))).toEqual([]);
});

test('each permission that is missing is found', () => {
  const count = policyIn(prodTemplate()).Statement.length;
  expect(count).toBeGreaterThan(4);
  for (let index = 0; index < count; index++) {
    const template = prodTemplate();
    const [dropped] = policyIn(template).Statement.splice(index, 1);
    const findings = checkPermissions(template, uses);
    const isIndexOnly = JSON.stringify(dropped).includes('/index/');
    expect([dropped, findings.length > 0]).toEqual([dropped, !isIndexOnly]);
    for (const { logicalId, problem } of findings) {
      expect(logicalId).toBe(cursor);
      expect(problem).toMatch(/^Its code uses [\w-]+:\w+ on [A-Z_]+, which its role does not permit\.$/);
    }
  }
});

test('a permission that no code uses is found', () => {
  const template = prodTemplate();
  policyIn(template).Statement.push({ Effect: 'Allow', Action: 'dynamodb:Scan', Resource: '*' });
  expect(told(checkPermissions(template, uses))).toEqual([
    `${cursor}: Its role permits dynamodb:Scan on *, which its code does not use. Remove the action from the grantAccess call in lib/.`,
  ]);
});

test('a permission on another resource than the one that the code uses is found from both sides', () => {
  const template = prodTemplate();
  const [other] = find(template, 'AWS::SecretsManager::Secret', 'InviteSecret');
  const text = JSON.stringify(policyIn(template)).replaceAll(other, 'OtherSecret');
  find(template, 'AWS::IAM::Policy', 'CursorFunctionRole')[1]['PolicyDocument'] = JSON.parse(text);
  expect(told(checkPermissions(template, uses))).toEqual([
    expect.stringContaining('uses secretsmanager:GetSecretValue on INVITE_SECRET_ARN'),
    expect.stringContaining('permits secretsmanager:GetSecretValue on OtherSecret'),
  ]);
});

test('the timeout sweep must be permitted to start another one', () => {
  const template = prodTemplate();
  const [policy] = find(template, 'AWS::IAM::Policy', 'SweepsCallAnother');
  delete template.Resources[policy];
  expect(told(checkPermissions(template, uses))).toEqual([
    expect.stringContaining('uses lambda:InvokeFunction on the function itself'),
  ]);
});

test('the commands of a method are found through the methods that it calls', () => {
  const registry = methodCommands('lambdas/connections/connection-registry.ts');
  expect(registry.get('add')?.sort()).toEqual(['DeleteItem', 'GetItem', 'PutItem', 'UpdateItem']);
  expect(registry.get('changeRole')?.sort()).toEqual(['Query', 'UpdateItem']);
  expect(registry.get('remove')?.sort()).toEqual(['BatchWriteItem', 'DeleteItem', 'Query', 'UpdateItem']);
  expect([...registry.values()].every((commands) => commands.length > 0)).toBe(true);
});
