import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { Unavailable } from './unavailable.ts';

/** What DynamoDB says when it is there and has no room for the request. */
const throttling = /^(ProvisionedThroughputExceeded|Throttling|RequestLimitExceeded|LimitExceeded)/;

/** Lets a client speak of a DynamoDB that is away as every dependency does: a refusal the caller may retry. */
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

/** Anything without an answer, a 5xx and throttling is "away"; a refused condition or a wrong request is not. */
function dynamoDbFailure(error: unknown): unknown {
  const { name = '', $metadata } = error as { name?: string; $metadata?: { httpStatusCode?: number } };
  const status = $metadata?.httpStatusCode;
  if (status !== undefined && status < 500 && !throttling.test(name)) return error;
  return new Unavailable('connections', error);
}
