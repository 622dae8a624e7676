import { createHash } from 'node:crypto';

/**
 * The local values for the region, the account and generated ids. They are constant, so that stored ARNs stay valid
 * after a restart.
 */
export const localAccount = {
  region: 'us-east-1',
  account: '000000000000',
  partition: 'aws',
  urlSuffix: 'amazonaws.com',
} as const;

/** An ARN in the local account. */
export function arn(service: string, resource: string): string {
  return `arn:${localAccount.partition}:${service}:${localAccount.region}:${localAccount.account}:${resource}`;
}

/** An API id as in API Gateway: ten lower-case letters and digits, always the same for one logical id. */
export function apiId(logicalId: string): string {
  return BigInt(`0x${createHash('sha256').update(logicalId).digest('hex')}`)
    .toString(36)
    .slice(0, 10);
}

/** The name of a function, from its name or ARN, each also with a version or alias, or from the URI of an integration. */
export function functionName(reference: string): string {
  return /(?:^|function:)([\w-]+)(?::[\w$-]+)?(?:$|\/)/.exec(reference)?.[1] ?? reference;
}
