import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AccessControl } from './caller.ts';
import { readBody, sendAwsError, sendJson } from './replies.ts';

interface KmsInput {
  KeyId?: string;
  /** In base64. */
  Message?: string;
  MessageType?: string;
  SigningAlgorithm?: string;
}

const spec = { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY', SigningAlgorithms: ['ECDSA_SHA_256'] };

/** `Sign` and `GetPublicKey` of KMS, for the asymmetric keys of the template. */
export class KmsApi {
  readonly #keys: ReadonlyMap<string, string>;
  readonly #access: AccessControl;

  /** @param keys private keys in PEM, by ARN. */
  constructor(keys: ReadonlyMap<string, string>, access: AccessControl) {
    this.#keys = keys;
    this.#access = access;
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const operation = String(request.headers['x-amz-target']).split('.').pop() ?? '';
    const input = JSON.parse((await readBody(request)).toString() || '{}') as KmsInput;
    const arn = input.KeyId ?? '';
    const denial = this.#access.check(request, `kms:${operation}`, arn);
    if (denial) return sendAwsError(response, 400, denial.type, denial.message);
    const key = this.#keys.get(arn);
    if (key === undefined) return sendAwsError(response, 400, 'NotFoundException', `Key '${arn}' does not exist`);
    if (operation === 'GetPublicKey') {
      const der = createPublicKey(key).export({ type: 'spki', format: 'der' });
      return sendJson(response, 200, { KeyId: arn, PublicKey: der.toString('base64'), ...spec });
    }
    const { Message: message = '', MessageType: type, SigningAlgorithm: algorithm } = input;
    if (operation !== 'Sign' || type !== 'RAW' || algorithm !== 'ECDSA_SHA_256') {
      const what = [operation, type, algorithm].filter(Boolean).join(' ');
      return sendAwsError(response, 400, 'UnsupportedOperationException', `${what} is not emulated here.`);
    }
    const signature = sign('sha256', Buffer.from(message, 'base64'), createPrivateKey(key));
    sendJson(response, 200, { KeyId: arn, Signature: signature.toString('base64'), SigningAlgorithm: algorithm });
  }
}
