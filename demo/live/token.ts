import { RollcallError } from '../../protocol/errors.ts';
import type { Person } from '../person.ts';

/**
 * Gets a token from the local identity provider. A real application uses its own identity provider here.
 *
 * @throws RollcallError `UNAVAILABLE` if the stack does not answer, `UNAUTHENTICATED` if it uses another identity
 * provider.
 */
export async function fetchToken({ user, name }: Person): Promise<string> {
  const query = new URLSearchParams({ user, name });
  const response = await fetch(`/dev/token?${query}`).catch((cause: unknown) => {
    throw new RollcallError('UNAVAILABLE', 'Rollcall does not answer; check that `npm start` still runs.', { cause });
  });
  if (!response.ok) {
    throw new RollcallError(
      'UNAUTHENTICATED',
      'This stack trusts another identity provider; start it without JWKS_URI to try the demo.',
    );
  }
  return ((await response.json()) as { token: string }).token;
}
