import { createHash } from 'node:crypto';

/** Stands where AWS has a region, an account and generated ids. Stable, so that stored ARNs survive a restart. */
export const place = {
  region: 'us-east-1',
  account: '000000000000',
  partition: 'aws',
  urlSuffix: 'amazonaws.com',
} as const;

/** An ARN of this machine. */
export function arn(service: string, resource: string): string {
  return `arn:${place.partition}:${service}:${place.region}:${place.account}:${resource}`;
}

/** Ten lower-case letters and digits, as API Gateway names its APIs, always the same for one logical id. */
export function apiId(logicalId: string): string {
  return BigInt(`0x${createHash('sha256').update(logicalId).digest('hex')}`)
    .toString(36)
    .slice(0, 10);
}

/** The function's name in any way it is written: name, ARN, ARN with version, or an integration's URI. */
export function functionName(reference: string): string {
  return /function:([^:/]+)/.exec(reference)?.[1] ?? reference;
}
