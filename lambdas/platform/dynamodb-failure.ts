import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { Unavailable } from './unavailable.ts';

/** Names of the errors of a DynamoDB that has no capacity for the request. */
const throttling = /^(ProvisionedThroughputExceeded|Throttling|RequestLimitExceeded|LimitExceeded)/;

/** Makes a client throw Unavailable while DynamoDB is away, as the other dependencies do. The caller may retry. */
export function refuseWhileAway(client: DynamoDBClient): void {
  client.middlewareStack.add(
    (next) => async (call) => {
      try {
        return await next(call);
      } catch (error) {
        throw dynamoDbFailure(error);
      }
    },
    { step: 'initialize', name: 'refuseWhileAway' },
  );
}

/**
 * DynamoDB is away if there is no answer, after a 5xx and while it throttles; not after a failed condition or a wrong
 * request.
 */
function dynamoDbFailure(error: unknown): unknown {
  const { name = '', $metadata } = error as { name?: string; $metadata?: { httpStatusCode?: number } };
  const status = $metadata?.httpStatusCode;
  if (status !== undefined && status < 500 && !throttling.test(name)) return error;
  return new Unavailable('connections', error);
}
