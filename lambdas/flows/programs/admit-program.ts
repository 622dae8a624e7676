import { RollcallError } from '../../../protocol/errors.ts';
import type { KeyScope } from '../../../protocol/server-api.ts';
import { withDeadline } from '../../platform/deadline.ts';
import { isReply } from '../../platform/redis-failure.ts';
import type { ServerKey } from '../../server-keys/server-key.ts';
import type { Services } from '../../services/services.ts';

/** A request waits no longer than this for Redis to count it. */
const limitMillis = 150;

/**
 * The key of a request, if it is valid and was not used too often (rules SA1, SA2). While Redis is away nothing is refused for its
 * rate; the throttling of the API stage still protects the account.
 *
 * @param authorization the header; undefined if the request has none.
 * @throws RollcallError UNAUTHENTICATED, RATE_LIMITED.
 */
export async function admitProgram(services: Services, authorization: string | undefined): Promise<ServerKey> {
  const text = /^Bearer\s+(\S+)$/i.exec(authorization?.trim() ?? '')?.[1];
  const key = await services.serverKeys.verify(text ?? (authorization ? '' : undefined));
  try {
    await withDeadline(services.keyRate.count(`key:${key.id}`, services.clock()), limitMillis);
  } catch (error) {
    if (error instanceof RollcallError && error.code === 'RATE_LIMITED') throw error;
    const level = isReply(error as Error) ? 'error' : 'warn';
    services.log[level]('The rate of a key could not be counted', error as Error);
  }
  return key;
}

/** @throws RollcallError PERMISSION_DENIED if the key lacks the scope. */
export function requireScope({ scopes }: ServerKey, scope: KeyScope): void {
  if (scopes.includes(scope)) return;
  throw new RollcallError('PERMISSION_DENIED', `This needs a key with the scope ${scope}; create one with that scope.`);
}
