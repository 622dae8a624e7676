import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { calculateJwkThumbprint, importJWK, type JWK, SignJWT } from 'jose';
import { localAudience, localIssuer } from '../../local/identity/identity-provider.ts';
import { tokenLeewaySeconds } from '../../protocol/timings.ts';

/**
 * A token of the local identity provider with claims of the test's own.
 *
 * @param acceptedSeconds how long the service accepts it, its leeway included.
 */
export async function signToken(
  { dataDirectory }: { dataDirectory: string },
  claims: Record<string, unknown>,
  acceptedSeconds: number,
): Promise<string> {
  const jwk = JSON.parse(await readFile(join(dataDirectory, 'identity.json'), 'utf8')) as JWK;
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'RS256', kid: await calculateJwkThumbprint(jwk) })
    .setIssuer(localIssuer)
    .setAudience(localAudience)
    .setExpirationTime(Math.ceil(Date.now() / 1000) + acceptedSeconds - tokenLeewaySeconds)
    .sign(await importJWK(jwk, 'RS256'));
}
