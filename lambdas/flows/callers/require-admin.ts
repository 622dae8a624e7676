import { RollcallError } from '../../../protocol/errors.ts';

/** The scope in the token of an operator. */
const adminScope = 'rollcall/admin';

/** Whether the scopes of a token are those of an operator. */
export const isAdmin = (scopes: readonly string[]) => scopes.includes(adminScope);

/** @throws RollcallError PERMISSION_DENIED without the admin scope. */
export function requireAdmin(scopes: readonly string[]): void {
  if (isAdmin(scopes)) return;
  throw new RollcallError('PERMISSION_DENIED', `This needs a token with the scope ${adminScope}.`);
}
