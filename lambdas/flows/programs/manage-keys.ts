import { RollcallError } from '../../../protocol/errors.ts';
import type { KeyTerms, ServerKey } from '../../server-keys/server-key.ts';
import type { Services } from '../../services/services.ts';

/**
 * Creates a server key for an administrator. A line in the log says who did it.
 *
 * @returns the key with its secret, which is shown only now.
 * @throws RollcallError INVALID_MESSAGE for terms that are not allowed.
 */
export async function createKey(
  services: Services,
  userId: string,
  terms: KeyTerms,
): Promise<{ secret: string; key: ServerKey }> {
  const created = await services.serverKeys.create(terms, userId);
  services.log.info('A server key was created', { keyId: created.key.id, scopes: created.key.scopes, userId });
  return created;
}

/**
 * Revokes a server key for an administrator. A line in the log says who did it.
 *
 * @throws RollcallError INVALID_MESSAGE if there is no such key.
 */
export async function revokeKey(services: Services, userId: string, id: string): Promise<ServerKey> {
  const key = await services.serverKeys.revoke(id, userId);
  if (!key) throw new RollcallError('INVALID_MESSAGE', 'There is no key with this id; list the keys to find it.');
  services.log.info('A server key was revoked', { keyId: id, userId });
  return key;
}
