import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { Faults } from '../faults.ts';
import type { AccessControl } from '../services/caller.ts';
import { readBody, sendAwsError, sendJson } from '../services/replies.ts';
import { arn } from '../template/local-account.ts';
import { maximumMessageBytes } from './frame-meter.ts';
import { isConnectionId } from './identifiers.ts';
import type { SocketConnection } from './socket-connection.ts';

export interface ManagementApiOptions {
  apiId: string;
  stageName: string;
  connections: ReadonlyMap<string, SocketConnection>;
  access: AccessControl;
  faults: Faults;
}

/** The `@connections` commands of a stage, as AWS clients call them. */
export class ManagementApi {
  readonly #prefix: string;
  readonly #encodedPrefix: string;
  readonly #options: ManagementApiOptions;
  readonly #resources: string;

  constructor(options: ManagementApiOptions) {
    this.#options = options;
    this.#prefix = `/${options.stageName}/@connections/`;
    this.#encodedPrefix = `/${options.stageName}/%40connections/`;
    this.#resources = arn('execute-api', `${options.apiId}/${options.stageName}`);
  }

  /** @returns false, synchronously, if the request has another path. */
  respond(request: IncomingMessage, response: ServerResponse): Promise<boolean> | boolean {
    const url = request.url ?? '';
    if (!url.startsWith(this.#prefix) && !url.startsWith(this.#encodedPrefix)) return false;
    return this.#handle(request, response).then(() => true);
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const id = connectionIdOf(request.url ?? '');
    const method = request.method ?? '';
    const resource = `${this.#resources}/${method}/@connections/${id ?? ''}`;
    const denial = this.#options.access.check(request, 'execute-api:ManageConnections', resource);
    if (denial) return refuse(request, response, denial.status, denial.type, denial.message);
    if (id === undefined || !isConnectionId(id)) {
      return refuse(request, response, 400, 'BadRequestException', `Invalid connectionId: ${id ?? ''}`);
    }
    if (method === 'POST') return this.#post(id, request, response);
    const connection = this.#open(id);
    if (!connection) return refuse(request, response, 410, 'GoneException', 'Gone');
    if (method === 'GET') return sendJson(response, 200, describe(connection));
    if (method !== 'DELETE') return refuse(request, response, 403, 'ForbiddenException', 'Forbidden');
    connection.close(1000, 'Connection Closed Normally');
    response.writeHead(204).end();
  }

  #open(id: string): SocketConnection | undefined {
    const connection = this.#options.connections.get(id);
    return connection?.isOpen ? connection : undefined;
  }

  async #post(id: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { faults } = this.#options;
    const refusal = faults.postRefusal();
    if (faults.slowPostMillis > 0) await pause(faults.slowPostMillis);
    if (refusal === 429) return refuse(request, response, 429, 'LimitExceededException', 'Too Many Requests');
    let body: Buffer;
    try {
      body = await readBody(request, maximumMessageBytes);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return refuse(request, response, 413, 'PayloadTooLargeException', 'Message too long');
    }
    const connection = refusal === undefined ? this.#open(id) : undefined;
    if (!connection) return refuse(request, response, 410, 'GoneException', 'Gone');
    connection.send(body, Date.now());
    response.writeHead(200, { 'Content-Length': 0 });
    response.end();
  }
}

function connectionIdOf(url: string): string | undefined {
  const start = url.lastIndexOf('/') + 1;
  const end = url.indexOf('?', start);
  try {
    return decodeURIComponent(end < 0 ? url.slice(start) : url.slice(start, end));
  } catch {
    // A broken escape sequence is a malformed id.
    return undefined;
  }
}

function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  type: string,
  message: string,
): void {
  // Read the rest of the body, so that the kept-alive socket does not parse it as the next request.
  request.resume();
  sendAwsError(response, status, type, message);
}

function describe({ connectedAt, lastActiveAt, sourceIp, userAgent }: SocketConnection): Record<string, unknown> {
  const time = (epochMillis: number) => new Date(epochMillis).toISOString();
  return { connectedAt: time(connectedAt), identity: { sourceIp, userAgent }, lastActiveAt: time(lastActiveAt) };
}
