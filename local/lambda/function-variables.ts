import { dirname } from 'node:path';
import type { BackingAddresses } from '../backing/services.ts';
import { credentialsOf } from '../services/caller.ts';
import type { FunctionDefinition } from '../template/functions.ts';
import { localAccount } from '../template/local-account.ts';

/** Endpoints of the emulated services, for the environment variables that the AWS clients read. */
export interface ServiceEndpoints {
  dynamodb: string;
  secretsManager: string;
  kms: string;
  lambda: string;
}

export interface VariableOptions {
  backing: BackingAddresses;
  endpoints: ServiceEndpoints;
  /** Values that override those of the template, for variables that a function declares. */
  overrides: Record<string, string | undefined>;
  /** Converts a URL of AWS to the local one. */
  localUrl(text: string): string;
}

/**
 * The whole environment of a function: the variables of the template, with local addresses, and those of the Lambda
 * runtime. A function gets the address of a store only if it declares the variable of that store.
 */
export function functionVariables(definition: FunctionDefinition, options: VariableOptions): Record<string, string> {
  const declared = Object.entries(definition.environment).map(([name, value]) => [
    name,
    options.overrides[name] ?? options.localUrl(value),
  ]);
  return {
    ...runtimeVariables(definition),
    AWS_ENDPOINT_URL_DYNAMODB: options.endpoints.dynamodb,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: options.endpoints.secretsManager,
    AWS_ENDPOINT_URL_KMS: options.endpoints.kms,
    AWS_ENDPOINT_URL_LAMBDA: options.endpoints.lambda,
    ...Object.fromEntries(declared),
    ...storeVariables(definition, options),
  };
}

function storeVariables({ environment }: FunctionDefinition, { backing, overrides }: VariableOptions) {
  const variables: Record<string, string> = {};
  if ('REDIS_URL' in environment) variables['REDIS_URL'] = backing.redisSocket ?? backing.redisUrl;
  if ('REDIS_CLUSTER' in environment) variables['REDIS_CLUSTER'] = overrides['REDIS_CLUSTER'] ?? 'false';
  if ('DATABASE_URL' in environment) variables['DATABASE_URL'] = backing.databaseUrl;
  // The local PostgreSQL has no certificate.
  if ('DATABASE_SECRET_ARN' in environment) variables['DATABASE_TLS'] = 'off';
  return variables;
}

function runtimeVariables({ name, memoryMegabytes, file, handler }: FunctionDefinition): Record<string, string> {
  return {
    ...credentialsOf(name),
    AWS_REGION: localAccount.region,
    AWS_DEFAULT_REGION: localAccount.region,
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMegabytes),
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    LAMBDA_TASK_ROOT: dirname(file),
    _HANDLER: handler,
    TZ: 'UTC',
    // The functions must not read the developer's AWS profiles.
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
  };
}
