const uuidPattern = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/**
 * Whether a value is a UUID in its text form, whatever its 128 bits are.
 *
 * RFC 9562 gives two of the digits a meaning. The GUIDs of SQL Server and Entity Framework do not keep to it, and
 * PostgreSQL's `uuid` holds them all the same.
 */
export function isUuid(value: unknown): value is string {
  return typeof value === 'string' && uuidPattern.test(value);
}
