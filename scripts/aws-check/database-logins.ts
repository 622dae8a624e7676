import { environmentNames } from '../../lambdas/platform/environment.ts';
import { type HandlerName, handlerNames, handlers } from '../../lib/handlers.ts';
import { statementsOfRole } from './policies.ts';
import {
  allDependenciesOf,
  type Finding,
  isObject,
  listed,
  referencesIn,
  resourcesOf,
  type Template,
  targetOf,
} from './template.ts';

/**
 * PostgreSQL has two users: the owner of the tables for the migrations, and one for the functions, who may not change tables or the audit
 * trail. Checks that only the migrations can read the password of the owner, and that both passwords rotate, or none.
 *
 * A database that exists may have one user. Its secret and its instance are not in the template then, and nothing is found.
 */
export function checkDatabaseLogins(template: Template): Finding[] {
  return [...checkOwner(template), ...checkRotations(template)];
}

function checkOwner(template: Template): Finding[] {
  const functions = resourcesOf(template, 'AWS::Lambda::Function').flatMap(([logicalId, properties]) => {
    const handler = handlerNames.find((name) => handlers[name].description === properties['Description']);
    return handler === undefined ? [] : [{ logicalId, handler, properties }];
  });
  const migrate = functions.find(({ handler }) => handler === 'migrate');
  const service = migrate && secretOf(template, migrate.properties, environmentNames.serviceSecretArn);
  const owners = ownerSecrets(template);
  // Of a database that exists, the owner is whose secret the migrations use, if the functions have one of their own.
  if (migrate && service) owners.push(secretOf(template, migrate.properties, environmentNames.databaseSecretArn) ?? '');
  return functions.flatMap(({ logicalId, handler, properties }) => [
    ...readsOwner(template, { logicalId, handler, properties }, owners),
    ...(handler === 'migrate' && owners.length > 0 && (!service || owners.includes(service))
      ? [
          {
            logicalId,
            problem: `It does not know the user of the functions: ${environmentNames.serviceSecretArn} names no secret of its own.`,
            nextStep: 'Call grantOwnership of the database, or give the database a serviceSecret.',
          },
        ]
      : []),
  ]);
}

function readsOwner(
  template: Template,
  fn: { logicalId: string; handler: HandlerName; properties: Record<string, unknown> },
  owners: readonly string[],
): Finding[] {
  if (fn.handler === 'migrate') return [];
  const readable = statementsOfRole(template, targetOf(fn.properties['Role']) ?? '')
    .filter(({ Effect, Action }) => Effect === 'Allow' && listed(Action).some((action) => reads.test(action)))
    .flatMap(({ Resource }) => listed(Resource).flatMap((each) => secretsIn(template, each)));
  if (!readable.some((secret) => secret === '*' || owners.includes(secret))) return [];
  return [
    {
      logicalId: fn.logicalId,
      problem: 'It may read the password of the owner of the database, which only the migrations need.',
      nextStep: 'Grant it access with grantAccess of the database, and give a database that exists a serviceSecret.',
    },
  ];
}

const reads = /^(\*|secretsmanager:(\*|Get\*|GetSecretValue))$/;

function checkRotations(template: Template): Finding[] {
  const schedules = resourcesOf(template, 'AWS::SecretsManager::RotationSchedule').map(([logicalId, properties]) => ({
    ...{ logicalId, rotation: targetOf(properties['RotationLambdaARN']) },
    secret: secretsIn(template, properties['SecretId'])[0],
  }));
  const attached = resourcesOf(template, 'AWS::SecretsManager::SecretTargetAttachment');
  const rotated = attached.filter(([id]) => schedules.some(({ secret }) => secret === secretBehind(template, id)));
  if (rotated.length === 0) return [];
  const triggers = Object.keys(template.Resources).filter((id) => template.Resources[id]!.Type === 'Custom::Trigger');
  const owners = ownerSecrets(template);
  return [
    ...attached
      .filter((each) => !rotated.includes(each))
      .map(([logicalId]) => ({
        logicalId,
        problem: 'Its password is not rotated, and that of another user of the database is.',
        nextStep: 'Give it a rotation of its own (SecretRotation).',
      })),
    ...schedules
      .filter(({ rotation }, index) => schedules.findIndex((other) => other.rotation === rotation) !== index)
      .map(({ logicalId }) => ({
        logicalId,
        problem: 'Its function also rotates another secret.',
        nextStep: 'Give it a function of its own (SecretRotation).',
      })),
    ...schedules
      .filter(({ secret }) => !owners.includes(secret ?? ''))
      .filter(({ logicalId }) => !triggers.some((trigger) => allDependenciesOf(template, logicalId).has(trigger)))
      .map(({ logicalId }) => ({
        logicalId,
        problem: 'Its first rotation may begin before the migrations have created the user.',
        nextStep: 'Add the trigger of the migrations to its DependsOn.',
      })),
  ];
}

/** The secrets whose password is that of the master user of an instance. */
function ownerSecrets(template: Template): string[] {
  return resourcesOf(template, 'AWS::RDS::DBInstance').flatMap(([, { MasterUserPassword }]) =>
    secretsIn(template, MasterUserPassword),
  );
}

function secretOf(template: Template, { Environment }: Record<string, unknown>, variable: string): string | undefined {
  const variables = isObject(Environment) && isObject(Environment['Variables']) ? Environment['Variables'] : {};
  return secretsIn(template, variables[variable])[0];
}

/** The logical ids of the secrets that a value refers to, or else the value itself, as text. */
function secretsIn(template: Template, value: unknown): string[] {
  if (value === undefined) return [];
  const own = referencesIn(value)
    .map(({ target }) => secretBehind(template, target))
    .filter((id) => template.Resources[id]?.Type === 'AWS::SecretsManager::Secret');
  if (own.length > 0) return own;
  return [typeof value === 'string' ? value : JSON.stringify(value)];
}

/** The secret of an attachment to a database. Any other id is returned as it is. */
function secretBehind(template: Template, id: string): string {
  const { Type, Properties } = template.Resources[id] ?? {};
  if (Type !== 'AWS::SecretsManager::SecretTargetAttachment') return id;
  return targetOf(Properties?.['SecretId']) ?? id;
}
