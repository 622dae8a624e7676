import { createHash } from 'node:crypto';

/**
 * The form of an entry that is hashed: PostgreSQL's text of each column. So the hash also shows changes that JavaScript
 * would not see, such as the last digit of a very large number.
 */
export interface SealedEntry {
  id: string;
  userId: string | null;
  username: string | null;
  activityType: string;
  /** Text of the `jsonb` value. */
  details: string;
  ipAddress: string | null;
  userAgent: string | null;
  /** `YYYY-MM-DDTHH:MM:SS.mmmZ`. */
  createdAt: string;
}

/** The columns of `activity_log a` in the form of a {@link SealedEntry}. */
export const sealedColumns = `a.user_id AS "userId", a.username, a.activity_type AS "activityType",
  a.details::text AS details, a.ip_address::text AS "ipAddress", a.user_agent AS "userAgent",
  to_char(a.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "createdAt"`;

/** The previous hash of the first link of a chain. */
export const genesisHash = Buffer.alloc(32);

/**
 * The hash of a link: SHA-256 over the UTF-8 bytes of a JSON array, without spaces, of the strings (or null)
 *
 *     "rollcall-audit-1", session id, sequence in decimal, previous hash in hex, entry id, user id, username,
 *     activity type, details, ip address, user agent, time
 *
 * in this order and in the form of {@link SealedEntry}. An entry that was deleted before it was sealed is hashed with null
 * for everything after its id. This form never changes; another form would begin with another string.
 */
export function linkHash(
  sessionId: string,
  sequence: bigint,
  previousHash: Buffer,
  entryId: string,
  entry: SealedEntry | undefined,
): Buffer {
  const fields = [
    'rollcall-audit-1',
    sessionId,
    String(sequence),
    previousHash.toString('hex'),
    entryId,
    entry?.userId ?? null,
    entry?.username ?? null,
    entry?.activityType ?? null,
    entry?.details ?? null,
    entry?.ipAddress ?? null,
    entry?.userAgent ?? null,
    entry?.createdAt ?? null,
  ];
  return createHash('sha256').update(JSON.stringify(fields)).digest();
}
