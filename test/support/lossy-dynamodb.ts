import { DynamoDBClient } from '@aws-sdk/client-dynamodb';

/**
 * A client that loses answers of requests that DynamoDB has handled, and therefore sends them again, as the client of the product does.
 *
 * @param lost whether the answer of the given attempt (from 1) of a command is lost. Without it, each first answer is.
 */
export function losingAnswers(
  { config }: DynamoDBClient,
  lost: (command: string, attempt: number) => boolean = (_, attempt) => attempt === 1,
): DynamoDBClient {
  const { endpoint, region, credentials } = config;
  const lossy = new DynamoDBClient({ endpoint, region, credentials, maxAttempts: 2 });
  lossy.middlewareStack.addRelativeTo(
    <Call, Result>(next: (call: Call) => Promise<Result>, context: { commandName?: string }) => {
      let attempts = 0;
      return async (call: Call) => {
        const answer = await next(call).then(
          (result) => () => result,
          (error: unknown) => () => {
            throw error;
          },
        );
        attempts += 1;
        if (lost(String(context.commandName), attempts))
          throw Object.assign(new Error('The answer is late.'), { name: 'TimeoutError' });
        return answer();
      };
    },
    { relation: 'after', toMiddleware: 'retryMiddleware', name: 'loseAnswers' },
  );
  return lossy;
}
