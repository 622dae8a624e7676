import { checkDatabaseLogins } from '../../scripts/aws-check/database-logins.ts';
import { resourcesOf, type Template } from '../../scripts/aws-check/template.ts';
import { checkVpcRoutes } from '../../scripts/aws-check/vpc-routes.ts';
import { find, prodTemplate, told } from './templates.ts';

const [migrate] = find(prodTemplate(), 'AWS::Lambda::Function', 'MigrateFunction');
const [cursor] = find(prodTemplate(), 'AWS::Lambda::Function', 'CursorFunction');
const attachment = (template: Template, of: RegExp) =>
  resourcesOf(template, 'AWS::SecretsManager::SecretTargetAttachment').find(([id]) => of.test(id))![0];
const ownerOf = (template: Template) => attachment(template, /Instance/);
const serviceOf = (template: Template) => attachment(template, /ServiceSecret/);
const rotations = (template: Template) => resourcesOf(template, 'AWS::SecretsManager::RotationSchedule');
const ofService = (template: Template) => rotations(template).find(([id]) => /ServiceSecret/.test(id))!;

test('in prod only the migrations may read the password of the owner, and both passwords rotate', () => {
  const template = prodTemplate();
  expect(rotations(template)).toHaveLength(2);
  expect(ownerOf(template)).not.toBe(serviceOf(template));
  expect(checkDatabaseLogins(template)).toEqual([]);
});

function policyOfCursor(template: Template) {
  return find(template, 'AWS::IAM::Policy', 'CursorFunctionRole')[1]['PolicyDocument'] as { Statement: object[] };
}

test.each<[name: string, resource: (template: Template) => unknown]>([
  ['the attached secret of the owner', (template) => ({ Ref: ownerOf(template) })],
  ['the secret itself', (template) => template.Resources[ownerOf(template)]!.Properties!['SecretId']],
  ['any secret', () => '*'],
])('a function that may read %s is found', (_, resource) => {
  const template = prodTemplate();
  const Action = ['dynamodb:GetItem', 'secretsmanager:GetSecretValue'];
  policyOfCursor(template).Statement.push({ Effect: 'Allow', Action, Resource: [resource(template)] });
  expect(told(checkDatabaseLogins(template))).toEqual([
    expect.stringContaining(`${cursor}: It may read the password of the owner of the database`),
  ]);
});

test('functions that log in as the owner are found, and so are migrations that do not create another user', () => {
  const template = prodTemplate();
  const text = JSON.stringify(template.Resources).replaceAll(`"${serviceOf(template)}"`, `"${ownerOf(template)}"`);
  template.Resources = JSON.parse(text);
  const findings = checkDatabaseLogins(template);
  expect(findings.map(({ logicalId }) => logicalId)).toEqual(expect.arrayContaining([cursor, migrate]));
  expect(told(findings).join('\n')).toContain('SERVICE_SECRET_ARN names no secret of its own');
});

test('migrations without the secret of the functions are found', () => {
  const template = prodTemplate();
  delete find(template, 'AWS::Lambda::Function', 'MigrateFunction')[1]['Environment'].Variables.SERVICE_SECRET_ARN;
  expect(told(checkDatabaseLogins(template))).toEqual([
    expect.stringContaining(`${migrate}: It does not know the user`),
  ]);
});

test.each<[name: string, change: (template: Template) => void, problem: string]>([
  [
    'of the functions that is not rotated',
    (template) => delete template.Resources[ofService(template)[0]],
    'Its password is not rotated, and that of another user of the database is.',
  ],
  [
    'that the function of the other one rotates',
    (template) => {
      for (const [, each] of rotations(template))
        each['RotationLambdaARN'] = rotations(template)[0]![1]['RotationLambdaARN'];
    },
    'Its function also rotates another secret.',
  ],
  [
    'that may rotate before its user exists',
    (template) => delete template.Resources[ofService(template)[0]]!.DependsOn,
    'Its first rotation may begin before the migrations have created the user.',
  ],
])('a password %s is found', (_, change, problem) => {
  const template = prodTemplate();
  change(template);
  expect(checkDatabaseLogins(template).map((finding) => finding.problem)).toEqual([problem]);
});

test.each(['Ingress', 'Egress'])(
  'a function that rotates the second password without its %s rule is found',
  (direction) => {
    const template = prodTemplate();
    const [id] = resourcesOf(template, 'AWS::Serverless::Application').find(([each]) => /ServiceRotation/.test(each))!;
    const [group] = find(template, 'AWS::EC2::SecurityGroup', 'SessionDatabaseServiceRotation');
    if (direction === 'Egress') template.Resources[group]!.Properties!['SecurityGroupEgress'] = [];
    for (const [rule, properties] of resourcesOf(template, 'AWS::EC2::SecurityGroupIngress')) {
      if (direction === 'Ingress' && JSON.stringify(properties).includes(group)) delete template.Resources[rule];
    }
    expect(checkVpcRoutes(template).map(({ logicalId }) => logicalId)).toContain(id);
  },
);
