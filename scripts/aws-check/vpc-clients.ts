import { statementsOfRole } from './policies.ts';
import { isObject, listed, referencesIn, resourcesOf, type Template, targetOf } from './template.ts';

/** A function in a VPC and what it has to reach. */
export interface VpcClient {
  logicalId: string;
  subnets: string[];
  groups: string[];
  /** AWS services that it calls through the network, named as in actions: `dynamodb`. */
  services: string[];
  /** Databases and caches whose address it has. */
  stores: string[];
}

/** Services that Lambda itself calls for a function, from outside of the VPC. */
const calledByLambda = ['logs', 'ec2', 'xray'];
const storeTypes = ['AWS::RDS::DBInstance', 'AWS::RDS::DBCluster', 'AWS::ElastiCache::ServerlessCache'];

/** All functions in a VPC, including those that AWS provides to rotate passwords. */
export function vpcClients(template: Template): VpcClient[] {
  return [...lambdaClients(template), ...rotationClients(template)];
}

function lambdaClients(template: Template): VpcClient[] {
  return resourcesOf(template, 'AWS::Lambda::Function').flatMap(([logicalId, properties]) => {
    const place = properties['VpcConfig'];
    if (!isObject(place)) return [];
    const statements = statementsOfRole(template, targetOf(properties['Role']) ?? '');
    const actions = statements.filter(({ Effect }) => Effect === 'Allow').flatMap(({ Action }) => listed(Action));
    const services = [...new Set(actions.map((action) => action.split(':')[0]!))];
    return [
      {
        logicalId,
        subnets: targetsOf(place['SubnetIds']),
        groups: targetsOf(place['SecurityGroupIds']),
        services: services.filter((service) => !calledByLambda.includes(service)),
        stores: storesOf(template, properties['Environment']),
      },
    ];
  });
}

function rotationClients(template: Template): VpcClient[] {
  return resourcesOf(template, 'AWS::Serverless::Application').flatMap(([logicalId, { Parameters }]) => {
    if (!isObject(Parameters) || !('vpcSubnetIds' in Parameters)) return [];
    const schedules = resourcesOf(template, 'AWS::SecretsManager::RotationSchedule').filter(
      ([, { RotationLambdaARN }]) => targetOf(RotationLambdaARN) === logicalId,
    );
    return [
      {
        logicalId,
        subnets: targetsOf(Parameters['vpcSubnetIds']),
        groups: targetsOf(Parameters['vpcSecurityGroupIds']),
        services: ['secretsmanager'],
        stores: schedules.flatMap(([, { SecretId }]) => storesOf(template, SecretId)),
      },
    ];
  });
}

function targetsOf(value: unknown): string[] {
  return referencesIn(value).map(({ target }) => target);
}

/** The stores that a value refers to, directly or by the secret of a store. */
function storesOf(template: Template, value: unknown): string[] {
  const named = targetsOf(value).flatMap((id) => {
    const resource = template.Resources[id];
    const isAttachment = resource?.Type === 'AWS::SecretsManager::SecretTargetAttachment';
    return isAttachment ? targetsOf(resource.Properties?.['TargetId']) : [id];
  });
  return [...new Set(named)].filter((id) => storeTypes.includes(template.Resources[id]?.Type ?? ''));
}
