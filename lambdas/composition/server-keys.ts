import { database } from '../platform/database.ts';
import { once } from '../platform/once.ts';
import { ServerKeys } from '../server-keys/server-keys.ts';

/** The keys of the server API. */
export const serverKeys = once(() => new ServerKeys(database()));
