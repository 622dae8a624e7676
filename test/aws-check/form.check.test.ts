import { loadAwsServiceSpecSync } from '@aws-cdk/aws-service-spec';
import { checkCycles } from '../../scripts/aws-check/cycles.ts';
import { checkReferences } from '../../scripts/aws-check/references.ts';
import { checkSchema } from '../../scripts/aws-check/schema.ts';
import type { Template } from '../../scripts/aws-check/template.ts';
import { find, prodTemplate, told } from './templates.ts';

const spec = loadAwsServiceSpecSync();
const database = 'AWS::RDS::DBInstance';

test('the template of prod matches the published schemas, has no reference to nothing and no cycle', () => {
  const template = prodTemplate();
  expect([...checkSchema(template, spec), ...checkReferences(template, spec), ...checkCycles(template)]).toEqual([]);
});

test.each<[name: string, change: (template: Template) => string, problem: RegExp]>([
  [
    'an unknown type',
    (template) => {
      const [id] = find(template, database);
      template.Resources[id]!.Type = 'AWS::RDS::Instance';
      return id;
    },
    /no type AWS::RDS::Instance/,
  ],
  ['an unknown property', (template) => set(template, database, 'MultiAz', true), /no property MultiAz/],
  ['a missing property', (template) => set(template, 'AWS::Lambda::Function', 'Role', undefined), /requires .* Role/],
  [
    'a text for a number',
    (template) => set(template, 'AWS::Lambda::Function', 'Timeout', 'ten'),
    /Timeout .* wrong type/,
  ],
  ['a number for true or false', (template) => set(template, database, 'MultiAZ', 1), /MultiAZ .* wrong type/],
  [
    'a text for a list',
    (template) => set(template, database, 'VPCSecurityGroups', 'sg-1'),
    /VPCSecurityGroups .* wrong/,
  ],
  [
    'a joined text for a list',
    (template) => set(template, 'AWS::ElastiCache::ServerlessCache', 'SubnetIds', { 'Fn::Join': [',', ['a', 'b']] }),
    /SubnetIds .* wrong type/,
  ],
  [
    'an unknown property of a nested object',
    (template) => set(template, 'AWS::Lambda::Function', 'LoggingConfig', { Group: 'x' }),
    /no property LoggingConfig\.Group/,
  ],
  [
    'a value that is not allowed',
    (template) => set(template, 'AWS::Lambda::Function', 'PackageType', 'Tar'),
    /PackageType .* is "Tar"/,
  ],
  [
    'a custom resource without a function',
    (template) => set(template, 'Custom::Trigger', 'ServiceToken', undefined),
    /no function/,
  ],
])('the check of the schemas finds %s', (_, change, problem) => {
  const template = prodTemplate();
  const id = change(template);
  const [first, ...more] = told(checkSchema(template, spec));
  expect(more).toEqual([]);
  expect(first).toMatch(new RegExp(`^${id}: .*${problem.source}.*\\. [A-Z].*\\.$`));
});

test.each<[name: string, change: (template: Template) => string, problem: RegExp]>([
  ['a Ref', (template) => set(template, database, 'DBParameterGroupName', { Ref: 'Gone' }), /refers to Gone/],
  [
    'a resource of an attribute',
    (template) => set(template, 'AWS::Lambda::Function', 'Role', { 'Fn::GetAtt': ['Gone', 'Arn'] }),
    /Gone is not in the template/,
  ],
  [
    'an attribute',
    (template) =>
      set(template, 'AWS::Lambda::Function', 'Role', { 'Fn::GetAtt': [find(template, 'AWS::IAM::Role')[0], 'ARN'] }),
    /AWS::IAM::Role has no such attribute/,
  ],
  [
    'what a text names',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the syntax of Fn::Sub.
    (template) => set(template, 'AWS::SNS::Topic', 'DisplayName', { 'Fn::Sub': 'of ${Gone}' }),
    /refers to Gone/,
  ],
  [
    'a dependency',
    (template) => {
      const [id] = find(template, database);
      template.Resources[id]!.DependsOn = ['Gone'];
      return id;
    },
    /DependsOn names Gone/,
  ],
  [
    'a mapping',
    (template) => {
      template.Mappings = {};
      return find(template, 'AWS::Serverless::Application')[0];
    },
    /mapping \w+ is not/,
  ],
  [
    'a condition',
    (template) => set(template, database, 'DBName', { 'Fn::If': ['Gone', 'a', 'b'] }),
    /condition Gone is not/,
  ],
  [
    'a resource of an output',
    (template) => {
      template.Outputs = { Address: { Value: { 'Fn::GetAtt': ['Gone', 'Arn'] } } };
      return 'Address';
    },
    /Gone is not in the template/,
  ],
])('the check of references finds %s that does not exist', (_, change, problem) => {
  const template = prodTemplate();
  const id = change(template);
  expect(told(checkReferences(template, spec))[0]).toMatch(new RegExp(`^${id}: .*${problem.source}`));
});

test('the check of cycles reports each resource of a cycle', () => {
  const template = prodTemplate();
  const [role] = find(template, 'AWS::IAM::Role', 'CursorFunction');
  const [fn] = find(template, 'AWS::Lambda::Function', 'CursorFunction');
  template.Resources[role]!.DependsOn = [fn];
  const [first, ...more] = checkCycles(template);
  expect(more).toEqual([]);
  expect(first!.logicalId).toBe(role);
  expect(first!.problem).toBe(`It waits for itself: ${role} → ${fn} → ${role}.`);
});

/** Sets a property of the first resource of a type; undefined removes it. @returns the logical id. */
function set(template: Template, type: string, name: string, value: unknown): string {
  const [id, properties] = find(template, type);
  if (value === undefined) delete properties[name];
  else properties[name] = value;
  return id;
}
