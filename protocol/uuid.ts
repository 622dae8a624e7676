const uuidPattern = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/**
 * Whether a value is a UUID in text form, with any 128 bits.
 *
 * RFC 9562 restricts two of the digits. GUIDs of SQL Server and Entity Framework do not follow it, but PostgreSQL's
 * `uuid` type accepts them.
 */
export function isUuid(value: unknown): value is string {
  return typeof value === 'string' && uuidPattern.test(value);
}
