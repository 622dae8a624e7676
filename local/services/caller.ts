import type { IncomingMessage } from 'node:http';
import type { FunctionDefinition } from '../template/functions.ts';

/** Prefix of the access key ids of functions; the function's name follows. */
const prefix = 'LOCALFUNCTION.';

/** Credentials by which the emulated services identify the calling function. Signatures are not verified. */
export function credentialsOf(functionName: string): Record<string, string> {
  return {
    AWS_ACCESS_KEY_ID: `${prefix}${functionName}`,
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_SESSION_TOKEN: 'local',
  };
}

/** Who signed a request: a function, another client (for example a developer's own), or nobody. */
export type Caller = { kind: 'function'; name: string } | { kind: 'other' } | { kind: 'nobody' };

export function callerOf(request: IncomingMessage): Caller {
  const authorization = request.headers.authorization;
  if (!authorization?.startsWith('AWS4-')) return { kind: 'nobody' };
  const start = authorization.indexOf('Credential=') + 'Credential='.length;
  const accessKey = authorization.slice(start, authorization.indexOf('/', start));
  return accessKey.startsWith(prefix) ? { kind: 'function', name: accessKey.slice(prefix.length) } : { kind: 'other' };
}

export interface Denial {
  status: 403;
  type: 'AccessDeniedException' | 'MissingAuthenticationTokenException';
  message: string;
}

/**
 * Checks what the caller of a request may do. A function may do what its role allows, and another client everything. An
 * unsigned request is refused, because it may come from a web page, which cannot sign.
 */
export class AccessControl {
  readonly #definition: (name: string) => FunctionDefinition | undefined;
  readonly #denied: (sentence: string) => void;

  /** @param denied is called with each refusal, for the log. */
  constructor(definition: (name: string) => FunctionDefinition | undefined, denied: (sentence: string) => void) {
    this.#definition = definition;
    this.#denied = denied;
  }

  check(request: IncomingMessage, action: string, resource: string): Denial | undefined {
    const caller = callerOf(request);
    if (caller.kind === 'nobody') {
      const message = 'Missing Authentication Token';
      return { status: 403, type: 'MissingAuthenticationTokenException', message };
    }
    if (caller.kind === 'other' || this.#definition(caller.name)?.permissions.allows(action, resource))
      return undefined;
    const message = `The role of the function ${caller.name} does not allow ${action} on ${resource}`;
    this.#denied(message);
    return { status: 403, type: 'AccessDeniedException', message };
  }
}
