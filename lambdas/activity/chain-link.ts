import { createHash } from 'node:crypto';
import { connectionText, type LinkPlace, linkText, type SealedEntry } from '../../protocol/audit-chain.ts';

/**
 * The columns of `activity_log a` in the form that is hashed: PostgreSQL's text of each column. So the hash also shows
 * changes that JavaScript would not see, such as the last digit of a very large number.
 */
export const sealedColumns = `a.user_id AS "userId", a.username, a.activity_type AS "activityType",
  a.details::text AS details, a.ip_address::text AS "ipAddress", a.user_agent AS "userAgent",
  to_char(a.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "createdAt"`;

/** The previous hash of the first link of a chain. */
export const genesisHash = Buffer.alloc(32);

/** The version of the links that are made now. */
export const linkVersion = 2;

/** The position of a link, and the salt with which its connection is hidden. */
export interface LinkFrame {
  version: 1 | 2;
  sessionId: string;
  sequence: bigint;
  previousHash: Buffer;
  salt: Buffer | null;
}

/** The hash of a link, see `protocol/audit-chain.ts`. */
export function linkHash(
  { version, sessionId, sequence, previousHash, salt }: LinkFrame,
  entryId: string,
  entry: SealedEntry | undefined,
): Buffer {
  const place: LinkPlace = {
    ...{ version, sessionId, sequence: String(sequence), previousHash: previousHash.toString('hex') },
  };
  const hidden = entry ? connectionHash(salt?.toString('hex'), entry.ipAddress, entry.userAgent) : null;
  return createHash('sha256')
    .update(linkText(place, entryId, entry, hidden))
    .digest();
}

/** The hash that hides an address and a browser; null if there is neither. */
export function connectionHash(
  salt: string | undefined,
  ipAddress: string | null,
  userAgent: string | null,
): string | null {
  if (ipAddress === null && userAgent === null) return null;
  return createHash('sha256')
    .update(connectionText(salt ?? '', ipAddress, userAgent))
    .digest('hex');
}
