import { type ApiGatewayManagementApiClient, PostToConnectionCommand } from '@aws-sdk/client-apigatewaymanagementapi';

/** What became of one post. `failed` is a 5xx or no answer at all: another try may succeed, as after `throttled`. */
export type PostResult = 'delivered' | 'gone' | 'throttled' | 'failed' | 'refused';

/** Sends frames to connections. Never throws: what happened is the answer. */
export interface Gateway {
  post(connectionId: string, frame: Uint8Array): Promise<PostResult>;
}

/** API Gateway's management API through the official client, which must not retry by itself. */
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
