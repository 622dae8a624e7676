import type { Resource } from './assembly.ts';
import { apiId, arn, functionName } from './local-account.ts';

type Resolve = (value: unknown) => string;

/** The value of `Ref` for a resource: its physical id on this machine. */
export function referenceOf(logicalId: string, resource: Resource, resolve: Resolve): string {
  const named = (property: string) => nameOf(logicalId, resource, property, resolve);
  switch (resource.Type) {
    case 'AWS::DynamoDB::Table':
    case 'AWS::DynamoDB::GlobalTable':
      return named('TableName');
    case 'AWS::Lambda::Function':
      return named('FunctionName');
    case 'AWS::Lambda::Version':
      return `${functionArn(functionName(resolve(resource.Properties?.['FunctionName'])))}:1`;
    case 'AWS::Lambda::Alias':
      return `${functionArn(functionName(resolve(resource.Properties?.['FunctionName'])))}:${named('Name')}`;
    case 'AWS::SecretsManager::Secret':
      return attributeOf(logicalId, resource, 'Arn', resolve);
    case 'AWS::SecretsManager::SecretTargetAttachment':
      return resolve(resource.Properties?.['SecretId']);
    case 'AWS::ApiGatewayV2::Api':
      return apiId(logicalId);
    case 'AWS::ApiGatewayV2::Stage':
      return named('StageName');
    case 'AWS::Events::Rule':
      return named('Name');
    default:
      return logicalId;
  }
}

/** The value of `Fn::GetAtt`. Attributes that the local stack does not need get a readable placeholder. */
export function attributeOf(logicalId: string, resource: Resource, attribute: string, resolve: Resolve): string {
  const reference = () => referenceOf(logicalId, resource, resolve);
  switch (`${resource.Type}.${attribute}`) {
    case 'AWS::DynamoDB::Table.Arn':
    case 'AWS::DynamoDB::GlobalTable.Arn':
      return arn('dynamodb', `table/${reference()}`);
    case 'AWS::Lambda::Function.Arn':
      return functionArn(reference());
    case 'AWS::SecretsManager::Secret.Arn':
      return arn('secretsmanager', `secret:${nameOf(logicalId, resource, 'Name', resolve)}`);
    case 'AWS::SecretsManager::Secret.Id':
      return attributeOf(logicalId, resource, 'Arn', resolve);
    case 'AWS::KMS::Key.Arn':
      return arn('kms', `key/${logicalId}`);
    case 'AWS::Events::Rule.Arn':
      return arn('events', `rule/${reference()}`);
    case 'AWS::IAM::Role.Arn':
      return arn('iam', `role/${logicalId}`);
    default:
      return `${logicalId}.${attribute}`;
  }
}

export function functionArn(name: string): string {
  return arn('lambda', `function:${name}`);
}

function nameOf(logicalId: string, resource: Resource, property: string, resolve: Resolve): string {
  const name = resource.Properties?.[property];
  return name === undefined ? logicalId : resolve(name);
}
