/** The statements about server keys. Times are parameters: no statement reads the clock of the server. */
const columns = 'id, name, scopes, sessions, created_by, created_at, expires_at, revoked_at, last_used_at';
const time = (parameter: string) => `to_timestamp(${parameter}::float8 / 1000)`;

export const keySql = {
  create: `
    INSERT INTO server_keys (id, name, secret_hash, scopes, sessions, created_by, created_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, ${time('$7')}, ${time('$8')}) RETURNING ${columns}`,

  list: `SELECT ${columns} FROM server_keys ORDER BY created_at DESC, id DESC`,

  find: `SELECT ${columns}, secret_hash FROM server_keys WHERE id = $1`,

  revoke: `
    UPDATE server_keys SET revoked_at = coalesce(revoked_at, ${time('$3')}),
      revoked_by = CASE WHEN revoked_at IS NULL THEN $2 ELSE revoked_by END
    WHERE id = $1 RETURNING ${columns}`,

  use: `
    UPDATE server_keys SET last_used_at = ${time('$2')}
    WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < ${time('$2')} - interval '1 minute')`,
};
