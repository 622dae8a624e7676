import { RollcallError } from '../../../protocol/errors.ts';

/** The scope in the token of an operator. */
const adminScope = 'rollcall/admin';

/** @throws RollcallError PERMISSION_DENIED without the admin scope. */
export function requireAdmin(scopes: readonly string[]): void {
  if (scopes.includes(adminScope)) return;
  throw new RollcallError('PERMISSION_DENIED', `This needs a token with the scope ${adminScope}.`);
}
