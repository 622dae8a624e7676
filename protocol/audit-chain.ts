/**
 * The hash chain of the audit trail: which text each link hashes. The sealer, `npm run audit:verify` and the verifier of the
 * browser use these functions, so that all of them read one form. They only build the text; each has its own SHA-256.
 */

/** The faults of a trail. */
export type ChainFault =
  /** An entry differs from what was sealed. */
  | 'entry_altered'
  /** An entry is missing, but its link exists. */
  | 'entry_missing'
  /** An entry has no link and does not wait for one, or exists twice. */
  | 'entry_added'
  /** An entry is in another place in the export. */
  | 'entry_moved'
  /** A link is missing. */
  | 'link_missing'
  /** A link does not follow the one before it. */
  | 'link_moved'
  /** A proof does not show that a trusted key signed the head of the chain. */
  | 'proof_forged';

/** The place of an entry in the chain of its session. */
export interface ActivityLink {
  sequence: number;
  /** SHA-256 in hex: of the link before this one, and of this link. */
  previousHash: string;
  hash: string;
  /** The form of the text that is hashed; 2 since the address and the browser have a separate hash. */
  version: 1 | 2;
  /** For those who may see the address and the browser: part of the text that `connectionHash` hashes. */
  salt?: string;
  /** For those who may not see them: their hash, null where there was nothing to hide or `version` is 1. */
  connectionHash?: string | null;
  /** Whether the link was the first or the last of its chain at the time of reading. */
  end?: 'first' | 'last' | 'only';
  /** The sealed text, if the entry shows it in another form. */
  sealed?: { username?: string | null; details?: string; ipAddress?: string | null };
}

/** An entry as the chain hashes it: the text that PostgreSQL prints for each column. */
export interface SealedEntry {
  id: string;
  userId: string | null;
  username: string | null;
  activityType: string;
  /** Text of the `jsonb` value, see {@link jsonbText}. */
  details: string;
  /** Text of the `inet` value, see {@link inetText}. */
  ipAddress: string | null;
  userAgent: string | null;
  /** `YYYY-MM-DDTHH:MM:SS.mmmZ`. */
  createdAt: string;
}

/** The previous hash of the first link of a chain. */
export const genesisHash = '0'.repeat(64);

/** The text whose SHA-256 hides the address and the browser of an entry: nobody can guess them without the salt. */
export function connectionText(salt: string, ipAddress: string | null, userAgent: string | null): string {
  return JSON.stringify(['rollcall-connection-1', salt, ipAddress, userAgent]);
}

/** The fields of a link that its text contains in addition to the entry. */
export interface LinkPlace {
  version: 1 | 2;
  sessionId: string;
  /** Decimal. */
  sequence: string;
  previousHash: string;
}

/**
 * The text whose SHA-256 is the hash of a link. An entry that was deleted before it was sealed has null in all fields after
 * its id. A form is never changed; another one gets another version.
 *
 * @param connectionHash SHA-256 of {@link connectionText} in hex, null without address and browser; version 1 has none.
 */
export function linkText(
  { version, sessionId, sequence, previousHash }: LinkPlace,
  entryId: string,
  entry: Omit<SealedEntry, 'id'> | undefined,
  connectionHash: string | null,
): string {
  const about = [entry?.userId, entry?.username, entry?.activityType, entry?.details];
  const connection = version === 1 ? [entry?.ipAddress, entry?.userAgent] : [connectionHash];
  const fields = [`rollcall-audit-${version}`, sessionId, sequence, previousHash, entryId];
  return JSON.stringify([...fields, ...[...about, ...connection, entry?.createdAt].map((field) => field ?? null)]);
}

/** An address as PostgreSQL casts `inet` to text. */
export function inetText(address: string | null): string | null {
  if (address === null || address.includes('/')) return address;
  return address.includes(':') ? `${address}/128` : `${address}/32`;
}

/** A value that was parsed from JSON, as PostgreSQL prints `jsonb`: keys by length and bytes, numbers without exponent. */
export function jsonbText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(jsonbText).join(', ')}]`;
  if (typeof value === 'number') return plainDecimal(value);
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const entries = Object.entries(value).map(([key, inner]) => ({
    key: new TextEncoder().encode(key),
    text: key,
    inner,
  }));
  entries.sort((one, other) => byBytes(one.key, other.key));
  return `{${entries.map(({ text, inner }) => `${JSON.stringify(text)}: ${jsonbText(inner)}`).join(', ')}}`;
}

function byBytes(one: Uint8Array, other: Uint8Array): number {
  if (one.length !== other.length) return one.length - other.length;
  const at = one.findIndex((byte, index) => byte !== other[index]);
  return at < 0 ? 0 : one[at]! - other[at]!;
}

/** `1e+21` as 1 and twenty-one zeros. */
function plainDecimal(value: number): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(value)) ?? [];
  const shift = Number(exponent);
  if (shift === 0) return String(value);
  const digits = whole + fraction;
  const point = whole.length + shift;
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  if (point >= digits.length) return sign + digits + '0'.repeat(point - digits.length);
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}
