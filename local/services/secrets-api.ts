import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AccessControl } from './caller.ts';
import { readBody, sendAwsError, sendJson } from './replies.ts';

/** The values of the secrets by ARN; a pending one while it is rotated. */
export interface SecretValues {
  current: Map<string, string>;
  pending: Map<string, string>;
}

/** `GetSecretValue` and `DescribeSecret` of Secrets Manager, for the secrets of the template. */
export class SecretsApi {
  readonly #secrets: SecretValues;
  readonly #access: AccessControl;

  constructor(secrets: SecretValues, access: AccessControl) {
    this.#secrets = secrets;
    this.#access = access;
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const operation = String(request.headers['x-amz-target']).split('.').pop() ?? '';
    const asked = JSON.parse((await readBody(request)).toString() || '{}') as Record<string, string>;
    const { SecretId = '', VersionStage: stage = 'AWSCURRENT' } = asked;
    const values = stage === 'AWSPENDING' ? this.#secrets.pending : this.#secrets.current;
    const arn = [...this.#secrets.current.keys()].find(
      (key) => key === SecretId || key.endsWith(`:secret:${SecretId}`),
    );
    const denial = this.#access.check(request, `secretsmanager:${operation}`, arn ?? SecretId);
    if (denial) return sendAwsError(response, 400, denial.type, denial.message);
    if (operation !== 'GetSecretValue' && operation !== 'DescribeSecret') {
      return sendAwsError(response, 400, 'UnknownOperationException', `${operation} is not emulated here.`);
    }
    const value = arn === undefined ? undefined : values.get(arn);
    if (arn === undefined || value === undefined) {
      const message = "Secrets Manager can't find the specified secret.";
      return sendAwsError(response, 400, 'ResourceNotFoundException', message);
    }
    const described = { ARN: arn, Name: arn.slice(arn.lastIndexOf(':') + 1) };
    const versioned = { ...described, VersionId: 'local', VersionStages: [stage], SecretString: value };
    sendJson(response, 200, operation === 'GetSecretValue' ? versioned : described);
  }
}
