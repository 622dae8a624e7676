import { type ApiGatewayManagementApiClient, PostToConnectionCommand } from '@aws-sdk/client-apigatewaymanagementapi';

/**
 * The result of one post. After `failed` (a 5xx or a time-out) and after `throttled`, a retry may succeed. `unanswered`: the
 * HTTP connection ended before an answer.
 */
export type PostResult = 'delivered' | 'gone' | 'throttled' | 'failed' | 'unanswered' | 'refused';

/** Sends frames to connections. It never throws: the result says what happened. */
export interface Gateway {
  post(connectionId: string, frame: Uint8Array): Promise<PostResult>;
}

/** The management API of API Gateway through the official client. The client must not retry by itself. */
export class ManagementGateway implements Gateway {
  readonly #client: ApiGatewayManagementApiClient;

  constructor(client: ApiGatewayManagementApiClient) {
    this.#client = client;
  }

  async post(connectionId: string, frame: Uint8Array): Promise<PostResult> {
    try {
      await this.#client.send(new PostToConnectionCommand({ ConnectionId: connectionId, Data: frame }));
      return 'delivered';
    } catch (error) {
      return resultOf(error);
    }
  }
}

function resultOf(error: unknown): PostResult {
  const { name, $metadata } = error as { name?: string; $metadata?: { httpStatusCode?: number } };
  const status = $metadata?.httpStatusCode;
  if (status === 410 || name === 'GoneException') return 'gone';
  if (status === 429) return 'throttled';
  return status === undefined || status >= 500 ? 'failed' : 'refused';
}
