// biome-ignore-all lint/suspicious/noTemplateCurlyInString: CloudFormation's own placeholders look like this
import type { Resource, Template } from '../../local/template/assembly.ts';
import { createResolver } from '../../local/template/resolver.ts';

const resources: Record<string, Resource> = {
  Things: { Type: 'AWS::DynamoDB::Table', Properties: { TableName: { 'Fn::Sub': '${AWS::StackName}-things' } } },
  Plain: { Type: 'AWS::DynamoDB::Table' },
  Run: { Type: 'AWS::Lambda::Function' },
  RunVersion: { Type: 'AWS::Lambda::Version', Properties: { FunctionName: { Ref: 'Run' } } },
  Signing: { Type: 'AWS::SecretsManager::Secret' },
  Api: { Type: 'AWS::ApiGatewayV2::Api' },
  Stage: { Type: 'AWS::ApiGatewayV2::Stage', Properties: { StageName: 'live' } },
  Cache: { Type: 'AWS::ElastiCache::ServerlessCache' },
  OnlyProd: { Type: 'AWS::Lambda::Function', Condition: 'IsProd' },
};

const template: Template = {
  Parameters: { Who: { Default: 'nobody' }, Stage_: { Default: 'dev' } },
  Conditions: {
    IsProd: { 'Fn::Equals': [{ Ref: 'Stage_' }, 'prod'] },
    IsDev: { 'Fn::Not': [{ Condition: 'IsProd' }] },
    Both: { 'Fn::And': [{ Condition: 'IsProd' }, { Condition: 'IsDev' }] },
    Either: { 'Fn::Or': [{ Condition: 'IsProd' }, { Condition: 'IsDev' }] },
  },
  Mappings: { Sizes: { dev: { memory: 128 } } },
  Resources: resources,
};

const resolver = createResolver(template, 'app', { Who: 'alice' });

test.each<[string, unknown, unknown]>([
  ['a parameter that was given', { Ref: 'Who' }, 'alice'],
  ['a parameter by its default', { Ref: 'Stage_' }, 'dev'],
  ['a table by its name', { Ref: 'Things' }, 'app-things'],
  ['a table without a name', { Ref: 'Plain' }, 'Plain'],
  [
    'an ARN of a table',
    { 'Fn::GetAtt': ['Things', 'Arn'] },
    'arn:aws:dynamodb:us-east-1:000000000000:table/app-things',
  ],
  ['a GetAtt in short form', { 'Fn::GetAtt': 'Run.Arn' }, 'arn:aws:lambda:us-east-1:000000000000:function:Run'],
  ['a version of a function', { Ref: 'RunVersion' }, 'arn:aws:lambda:us-east-1:000000000000:function:Run:1'],
  ['a secret', { Ref: 'Signing' }, 'arn:aws:secretsmanager:us-east-1:000000000000:secret:Signing'],
  ['an attribute without a local use', { 'Fn::GetAtt': ['Cache', 'Endpoint.Address'] }, 'Cache.Endpoint.Address'],
  ['a join of references', { 'Fn::Join': ['-', ['a', { Ref: 'Who' }, { Ref: 'AWS::Region' }]] }, 'a-alice-us-east-1'],
  [
    'a substitution',
    { 'Fn::Sub': '${Who}@${Run.Arn}${!literal}' },
    'alice@arn:aws:lambda:us-east-1:000000000000:function:Run${literal}',
  ],
  ['a substitution with variables', { 'Fn::Sub': ['${x}-${Who}', { x: { Ref: 'Stage' } }] }, 'live-alice'],
  ['a choice of a split', { 'Fn::Select': [1, { 'Fn::Split': ['/', 'a/b/c'] }] }, 'b'],
  ['a condition', { 'Fn::If': ['IsProd', 'big', 'small'] }, 'small'],
  ['conditions together', { 'Fn::If': ['Both', 1, { 'Fn::If': ['Either', 2, 3] }] }, 2],
  ['a mapping', { 'Fn::FindInMap': ['Sizes', { Ref: 'Stage_' }, 'memory'] }, 128],
  ['nothing', { a: { Ref: 'AWS::NoValue' }, b: [1, { Ref: 'AWS::NoValue' }] }, { b: [1] }],
  ['an object with several keys as it is', { Ref: 'Who', other: 1 }, { Ref: 'Who', other: 1 }],
])('it resolves %s', (_, value, expected) => {
  expect(resolver.resolve(value)).toEqual(expected);
});

test('an API has an id that is the same on every start', () => {
  const again = createResolver(template, 'app', {});
  expect(resolver.text({ Ref: 'Api' })).toMatch(/^[a-z0-9]{10}$/);
  expect(again.text({ Ref: 'Api' })).toBe(resolver.text({ Ref: 'Api' }));
});

test('resources with a false condition are left out', () => {
  expect(resolver.resourcesOfType('AWS::Lambda::Function').map(({ logicalId }) => logicalId)).toEqual(['Run']);
});

test('an unknown reference or function is reported in one sentence', () => {
  expect(() => resolver.resolve({ Ref: 'Nothing' })).toThrow(
    'The template refers to "Nothing", which it does not contain.',
  );
  expect(() => resolver.resolve({ 'Fn::Transform': {} })).toThrow(
    'The template uses Fn::Transform, which the local stack does not support.',
  );
});
