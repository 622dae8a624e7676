import type { Queryable } from '../../lambdas/platform/database.ts';

interface Column {
  type: string;
  /** Whether an INSERT that does not name the column fails. */
  required: boolean;
}

/** What code may rely on: columns, functions, rights of the service; and what may refuse its rows. */
export interface Catalog {
  /** By `table.column`. */
  columns: Map<string, Column>;
  /** Result types, by name and parameters. */
  functions: Map<string, string>;
  /** `table SELECT` and `EXECUTE function`, for the role of the service. */
  rights: Set<string>;
  /** Constraints and unique indexes: their columns, by `table name`. */
  limits: Map<string, string[]>;
}

/** Reads what the schema `public` offers to the code of the service. */
export async function readCatalog(pool: Queryable): Promise<Catalog> {
  const list = async <T extends object>(sql: string) => (await pool.query<T>(sql)).rows;
  const columns = await list<Column & { name: string }>(`
    SELECT c.relname || '.' || a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type,
      a.attnotnull AND NOT a.atthasdef AND a.attidentity = '' AS required
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v') AND a.attnum > 0 AND NOT a.attisdropped`);
  const functions = await list<{ name: string; type: string }>(`
    SELECT oid::regprocedure::text AS name, pg_get_function_result(oid) AS type
    FROM pg_proc WHERE pronamespace = 'public'::regnamespace`);
  const rights = await list<{ name: string }>(`
    SELECT c.relname || ' ' || p AS name
    FROM pg_class c, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) p
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND has_table_privilege('rollcall_service', c.oid, p)
    UNION ALL
    SELECT 'EXECUTE ' || oid::regprocedure::text FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace AND has_function_privilege('rollcall_service', oid, 'EXECUTE')`);
  const limits = await list<{ name: string; columns: string[] }>(`
    SELECT c.relname || ' ' || k.name AS name,
      ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = ANY (k.keys)) AS columns
    FROM (SELECT conrelid AS id, conname AS name, conkey AS keys FROM pg_constraint WHERE contype IN ('c', 'f', 'u', 'p', 'x')
      UNION SELECT i.indrelid, r.relname, i.indkey::int2[] FROM pg_index i JOIN pg_class r ON r.oid = i.indexrelid
      WHERE i.indisunique) k
    JOIN pg_class c ON c.oid = k.id WHERE c.relnamespace = 'public'::regnamespace`);
  return {
    columns: new Map(columns.map(({ name, type, required }) => [name, { type, required }])),
    functions: new Map(functions.map(({ name, type }) => [name, type])),
    rights: new Set(rights.map(({ name }) => name)),
    limits: new Map(limits.map((limit) => [limit.name, limit.columns])),
  };
}

/** What code that was written for one schema misses in a later one, a sentence for each. */
export function contractions(before: Catalog, after: Catalog): string[] {
  const problems: string[] = [];
  const tables = new Set([...before.columns.keys()].map((name) => name.split('.')[0]!));
  for (const [name, { type, required }] of before.columns) {
    const now = after.columns.get(name);
    if (!now) problems.push(`The column ${name} is gone.`);
    else if (now.type !== type) problems.push(`The column ${name} was ${type} and is ${now.type}.`);
    else if (now.required && !required) problems.push(`The column ${name} has become required.`);
  }
  for (const [name, { required }] of after.columns) {
    const isAdded = tables.has(name.split('.')[0]!) && !before.columns.has(name);
    if (isAdded && required) problems.push(`The column ${name} is required and has no default.`);
  }
  for (const [name, type] of before.functions) {
    const now = after.functions.get(name);
    if (now === undefined) problems.push(`The function ${name} is gone.`);
    else if (now !== type) problems.push(`The function ${name} returned ${type} and returns ${now}.`);
  }
  for (const right of before.rights) {
    if (!after.rights.has(right)) problems.push(`The service has lost the right ${right}.`);
  }
  for (const [name, columns] of after.limits) {
    const table = name.split(' ')[0]!;
    const concerns = columns.some((column) => before.columns.has(`${table}.${column}`));
    if (concerns && !before.limits.has(name))
      problems.push(`The constraint ${name} may refuse rows that old code writes.`);
  }
  return problems;
}
