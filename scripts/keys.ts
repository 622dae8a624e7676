/**
 * `npx rollcall keys create --name <name> --scopes <scope,…>` creates a key of the server API and shows it once. `--sessions` restricts
 * it to keys of the application, `--expires` sets the number of days after which it ends. `keys list` shows all keys, and
 * `keys revoke <id>` revokes one. It uses the database of `DATABASE_URL`, or of the stack that runs on this machine.
 */
import { parseArgs } from 'node:util';
import type { ServerKey } from '../lambdas/server-keys/server-key.ts';
import { ServerKeys } from '../lambdas/server-keys/server-keys.ts';
import { keyScopes } from '../protocol/server-api.ts';
import { withDatabase } from './audit/database.ts';

const usage = `Write "npx rollcall keys create --name <name> --scopes ${keyScopes.join(',')}", "npx rollcall keys list" or "npx rollcall keys revoke <id>".`;
const daySeconds = 86_400;

async function main(given: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: given,
    allowPositionals: true,
    options: {
      name: { type: 'string' },
      scopes: { type: 'string' },
      sessions: { type: 'string' },
      expires: { type: 'string' },
    },
  });
  const [command, id, ...more] = positionals;
  if (more.length > 0) throw new Error(usage);
  if (command === 'create' && id === undefined) return create(values);
  if (command === 'list' && id === undefined) return list();
  if (command === 'revoke' && id !== undefined) return revoke(id);
  throw new Error(usage);
}

async function create(values: { name?: string; scopes?: string; sessions?: string; expires?: string }): Promise<void> {
  const { name, scopes, sessions, expires } = values;
  if (name === undefined || scopes === undefined) throw new Error(usage);
  const days = expires === undefined ? undefined : Number(expires);
  if (days !== undefined && !(days > 0)) throw new Error('Give --expires as a number of days, such as 90.');
  const terms = {
    name,
    scopes: listed(scopes),
    ...(sessions === undefined ? {} : { sessions: listed(sessions) }),
    ...(days === undefined ? {} : { expiresInSeconds: days * daySeconds }),
  };
  const { secret, key } = await withKeys((keys) => keys.create(terms, null));
  console.error(`The key ${key.id} was created. It is shown only now: store it where your program reads its secrets.`);
  console.log(secret);
}

async function list(): Promise<void> {
  for (const key of await withKeys((keys) => keys.list())) {
    console.log([key.id, stateOf(key), key.scopes.join(','), key.sessions.join(','), key.name].join('\t'));
  }
}

function stateOf({ revokedAt, expiresAt, lastUsedAt }: ServerKey): string {
  if (revokedAt !== null) return `revoked ${dateOf(revokedAt)}`;
  if (expiresAt !== null && expiresAt <= Date.now()) return `expired ${dateOf(expiresAt)}`;
  return lastUsedAt === null ? 'never used' : `used ${dateOf(lastUsedAt)}`;
}

async function revoke(id: string): Promise<void> {
  if (!(await withKeys((keys) => keys.revoke(id, null)))) {
    throw new Error('There is no key with this id; "npx rollcall keys list" shows all.');
  }
  console.error(`The key ${id} is revoked. Functions that have used it accept it for at most 30 seconds more.`);
}

const listed = (text: string) => text.split(',').map((each) => each.trim());
const dateOf = (at: number) => new Date(at).toISOString();
const withKeys = <T>(work: (keys: ServerKeys) => Promise<T>) => withDatabase((pool) => work(new ServerKeys(pool)));

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error((error as Error).message || (error as { code?: string }).code);
  process.exitCode = 2;
}
