import type { IncomingMessage, ServerResponse } from 'node:http';
import type { LambdaRuntime } from '../lambda/lambda-runtime.ts';
import { functionName } from '../template/local-account.ts';
import type { AccessControl } from './caller.ts';
import { readBody, sendAwsError, sendJson } from './replies.ts';

/** The `Invoke` operation of Lambda. */
export class LambdaApi {
  readonly #runtime: LambdaRuntime;
  readonly #access: AccessControl;

  constructor(runtime: LambdaRuntime, access: AccessControl) {
    this.#runtime = runtime;
    this.#access = access;
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    const [, path] = /^\/2015-03-31\/functions\/([^/]+)\/invocations/.exec(request.url ?? '') ?? [];
    if (request.method !== 'POST' || !path) {
      return sendAwsError(response, 404, 'UnknownOperationException', 'Only Invoke is emulated here.');
    }
    const reference = decodeURIComponent(path);
    const name = functionName(reference);
    const definition = this.#runtime.definition(name);
    const denial = this.#access.check(request, 'lambda:InvokeFunction', invokedArn(reference, definition?.arn ?? name));
    if (denial) return sendAwsError(response, denial.status, denial.type, denial.message);
    if (!definition) {
      return sendAwsError(response, 404, 'ResourceNotFoundException', `Function not found: ${name}`);
    }
    await this.#invoke(name, body, String(request.headers['x-amz-invocation-type'] ?? 'RequestResponse'), response);
  }

  async #invoke(name: string, body: Buffer, type: string, response: ServerResponse): Promise<void> {
    const payload = body.toString() || '{}';
    try {
      JSON.parse(payload);
    } catch (error) {
      return sendAwsError(response, 400, 'InvalidRequestContentException', (error as Error).message);
    }
    if (type === 'DryRun') return void response.writeHead(204).end();
    if (type === 'Event') {
      void this.#runtime.invokeLater(name, payload, 'invoke');
      return void response.writeHead(202, { 'Content-Length': 0 }).end();
    }
    const { answer, error } = await this.#runtime.invoke(name, payload, 'invoke');
    if (error?.errorType === 'TooManyRequestsException') {
      return sendAwsError(response, 429, error.errorType, error.errorMessage);
    }
    sendJson(response, 200, error ?? answer, error ? { 'X-Amz-Function-Error': 'Unhandled' } : {});
  }
}

/** The ARN that a policy must permit: that of the function, with the alias or version of the reference if it names one. */
function invokedArn(reference: string, arn: string): string {
  const [, qualifier] = /(?:^|function:)[^:]+:([^:]+)$/.exec(reference) ?? [];
  return qualifier === undefined ? arn : `${arn}:${qualifier}`;
}
