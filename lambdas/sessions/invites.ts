import { createHash } from 'node:crypto';
import { CompactSign, compactVerify, errors } from 'jose';
import { v5 as uuidv5 } from 'uuid';
import * as z from 'zod/mini';

/** The content of an invite, readable without the database. */
export interface InviteClaims {
  inviteId: string;
  /** UUID of the session it is for. */
  sessionId: string;
  /** Unix milliseconds. */
  expiresAt: number;
}

const claimsShape = z.object({ inviteId: z.guid(), sessionId: z.guid(), expiresAt: z.number() });
/** A mark that distinguishes an invite from everything else that is signed. */
const tokenType = 'rollcall-invite';

/**
 * Signs an invite (a JWS with HS256).
 *
 * @param keys secrets of at least 32 bytes; the first one signs.
 */
export async function signInvite(claims: InviteClaims, keys: readonly Uint8Array[]): Promise<string> {
  return new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
    .setProtectedHeader({ alg: 'HS256', typ: tokenType })
    .sign(keys[0]!);
}

/**
 * Reads an invite without a database, as the authorizer does for a guest. The invite may have been revoked or used up, which
 * only the join checks. The caller checks whether it has expired.
 *
 * @param keys any of them may have signed it, so that a key can be replaced while invites are in use.
 * @returns undefined for anything that this service did not sign.
 */
export async function readInvite(token: string, keys: readonly Uint8Array[]): Promise<InviteClaims | undefined> {
  for (const key of keys) {
    try {
      const { payload, protectedHeader } = await compactVerify(token, key, { algorithms: ['HS256'] });
      if (protectedHeader.typ !== tokenType) return undefined;
      return claimsShape.parse(JSON.parse(new TextDecoder().decode(payload)));
    } catch (error) {
      if (error instanceof errors.JWSSignatureVerificationFailed) continue;
      if (error instanceof errors.JOSEError) return undefined;
      throw error;
    }
  }
  return undefined;
}

/** The id of a guest. The same secret of a browser with the same invite is the same guest. */
export function guestIdOf(secret: string, inviteId: string): string {
  return uuidv5(secret, inviteId);
}

/** What the table stores of an invite: enough to recognise it, not enough to use it. */
export function hashInvite(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
