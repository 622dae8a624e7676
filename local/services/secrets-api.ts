import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AccessControl } from './caller.ts';
import { readBody, sendAwsError, sendJson } from './replies.ts';

/** `GetSecretValue` and `DescribeSecret` of Secrets Manager, for the secrets of the template. */
export class SecretsApi {
  readonly #secrets: ReadonlyMap<string, string>;
  readonly #access: AccessControl;

  constructor(secrets: ReadonlyMap<string, string>, access: AccessControl) {
    this.#secrets = secrets;
    this.#access = access;
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const operation = String(request.headers['x-amz-target']).split('.').pop() ?? '';
    const { SecretId = '' } = JSON.parse((await readBody(request)).toString() || '{}') as { SecretId?: string };
    const arn = [...this.#secrets.keys()].find((key) => key === SecretId || key.endsWith(`:secret:${SecretId}`));
    const denial = this.#access.check(request, `secretsmanager:${operation}`, arn ?? SecretId);
    if (denial) return sendAwsError(response, 400, denial.type, denial.message);
    if (operation !== 'GetSecretValue' && operation !== 'DescribeSecret') {
      return sendAwsError(response, 400, 'UnknownOperationException', `${operation} is not emulated here.`);
    }
    const value = arn === undefined ? undefined : this.#secrets.get(arn);
    if (arn === undefined || value === undefined) {
      const message = "Secrets Manager can't find the specified secret.";
      return sendAwsError(response, 400, 'ResourceNotFoundException', message);
    }
    const described = { ARN: arn, Name: arn.slice(arn.lastIndexOf(':') + 1) };
    const versioned = { ...described, VersionId: 'local', VersionStages: ['AWSCURRENT'], SecretString: value };
    sendJson(response, 200, operation === 'GetSecretValue' ? versioned : described);
  }
}
