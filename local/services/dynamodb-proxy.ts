import { Agent, type IncomingMessage, request as requestOf, type ServerResponse } from 'node:http';
import { arn } from '../template/local-account.ts';
import type { AccessControl } from './caller.ts';
import { readBody, sendAwsError } from './replies.ts';

interface Operation {
  TableName?: string;
  IndexName?: string;
  RequestItems?: Record<string, unknown>;
  TransactItems?: Record<string, { TableName?: string }>[];
}

/** The permission that each part of a transaction needs. */
const transactionActions: Record<string, string> = {
  Put: 'PutItem',
  Update: 'UpdateItem',
  Delete: 'DeleteItem',
  Get: 'GetItem',
  ConditionCheck: 'ConditionCheckItem',
};

/** A proxy before the DynamoDB-compatible server. It forwards only what the caller's role allows. */
export class DynamoDbProxy {
  readonly #target: URL;
  readonly #access: AccessControl;
  readonly #agent = new Agent({ keepAlive: true });

  constructor(endpoint: string, access: AccessControl) {
    this.#target = new URL(endpoint);
    this.#access = access;
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request, 64 * 1024 * 1024);
    const operation = String(request.headers['x-amz-target']).split('.').pop() ?? '';
    for (const [action, resource] of neededPermissions(operation, JSON.parse(body.toString() || '{}') as Operation)) {
      const denial = this.#access.check(request, `dynamodb:${action}`, resource);
      // DynamoDB itself answers 400 here; its clients check the type.
      if (denial) return sendAwsError(response, 400, denial.type, denial.message);
    }
    await this.#forward(request, body, response);
  }

  close(): void {
    this.#agent.destroy();
  }

  #forward(request: IncomingMessage, body: Buffer, response: ServerResponse): Promise<void> {
    const { host: _, connection: __, 'content-length': ___, 'transfer-encoding': ____, ...headers } = request.headers;
    return new Promise((resolve) => {
      const forwarded = requestOf(
        this.#target,
        { method: 'POST', agent: this.#agent, headers: { ...headers, 'content-length': body.length } },
        (answer) => {
          const { connection: _, 'transfer-encoding': __, ...answerHeaders } = answer.headers;
          response.writeHead(answer.statusCode ?? 500, answerHeaders);
          answer.pipe(response).once('close', resolve);
        },
      );
      forwarded.once('error', (error) => {
        // While DynamoDB is away, a function must see a broken connection and not an answer.
        response.destroy(error);
        resolve();
      });
      forwarded.end(body);
    });
  }
}

/** Pairs of action and resource that an operation needs. */
function neededPermissions(operation: string, input: Operation): [action: string, resource: string][] {
  const table = (name: string) => (name.startsWith('arn:') ? name : arn('dynamodb', `table/${name}`));
  if (input.RequestItems) return Object.keys(input.RequestItems).map((name) => [operation, table(name)]);
  if (input.TransactItems) {
    return input.TransactItems.flatMap((item) =>
      Object.entries(item).map(([kind, part]): [string, string] => [
        transactionActions[kind] ?? kind,
        table(part.TableName ?? ''),
      ]),
    );
  }
  if (input.TableName === undefined) return [[operation, '*']];
  const index = input.IndexName === undefined ? '' : `/index/${input.IndexName}`;
  return [[operation, table(input.TableName) + index]];
}
