import { randomUUID } from 'node:crypto';
import type { WebhookEndpoint, WebhookEventType } from '../../protocol/webhooks.ts';
import type { Queryable } from '../platform/database.ts';
import { type Connecting, inTransaction } from '../platform/transaction.ts';
import * as sql from './endpoint-sql.ts';
import type { SecretBox } from './secret-box.ts';
import { makeWebhookSecret } from './webhook-signature.ts';

/** The most endpoints of a service. Each entry of the audit trail is compared with all of them. */
export const mostEndpoints = 50;

/** Key of the advisory lock that lets one request add an endpoint at a time, so that together they exceed no limit. */
const addingLock = 7_310_103;

/** What an admin says about an endpoint. */
export interface EndpointInput {
  url: string;
  description: string;
  events: WebhookEventType[];
  /** The UUID of the only session. */
  sessionId?: string | undefined;
  /** The key of the only sessions, or the beginning of their keys with a final `*`. */
  key?: string | undefined;
}

/** What an admin can change. */
export interface EndpointChange {
  url?: string | undefined;
  description?: string | undefined;
  events?: WebhookEventType[] | undefined;
  enabled?: boolean | undefined;
}

/** An endpoint with its secret, which is shown this once. */
export interface ShownSecret {
  endpoint: WebhookEndpoint;
  secret: string;
}

type EndpointRow = { [Name in keyof WebhookEndpoint]: WebhookEndpoint[Name] | null } & {
  pending: number;
  dead: number;
};

/** The endpoints of webhooks. Their secrets are stored encrypted. */
export class EndpointStore {
  readonly #database: Queryable & Connecting;
  readonly #box: SecretBox;
  readonly #clock: () => number;

  constructor(database: Queryable & Connecting, box: SecretBox, clock: () => number) {
    this.#database = database;
    this.#box = box;
    this.#clock = clock;
  }

  async list(): Promise<WebhookEndpoint[]> {
    const { rows } = await this.#database.query<EndpointRow>(sql.selectEndpoints, [null]);
    return rows.map(endpointOf);
  }

  /** Undefined for an unknown id. */
  async find(id: string): Promise<WebhookEndpoint | undefined> {
    return this.#one(sql.selectEndpoints, [id]);
  }

  /** Whether an endpoint is enabled. Undefined for an unknown id. */
  async isEnabled(id: string): Promise<boolean | undefined> {
    const { rows } = await this.#database.query<{ enabled: boolean }>(sql.selectEnabled, [id]);
    return rows[0]?.enabled;
  }

  /** Adds an endpoint. Undefined if there are too many. */
  async add({ url, description, events, sessionId, key }: EndpointInput): Promise<ShownSecret | undefined> {
    const id = randomUUID();
    const secret = makeWebhookSecret();
    const sealed = await this.#box.seal(secret, id);
    const filter = [sessionId ?? null, key ?? null];
    const values = [id, url, description, events, ...filter, sealed, this.#clock(), mostEndpoints];
    const [row] = await inTransaction(this.#database, 'write', async (client) => {
      await client.query('SELECT pg_advisory_xact_lock($1)', [addingLock]);
      return (await client.query<EndpointRow>(sql.insertEndpoint, values)).rows;
    });
    return row && { endpoint: endpointOf(row), secret };
  }

  /** Changes what is given. Undefined for an unknown id. */
  async change(
    id: string,
    { url, description, events, enabled }: EndpointChange,
  ): Promise<WebhookEndpoint | undefined> {
    const values = [url, description, events, enabled].map((value) => value ?? null);
    return this.#one(sql.updateEndpoint, [id, ...values, this.#clock()]);
  }

  /** Gives an endpoint another secret. The old one signs as well for some time. Undefined for an unknown id. */
  async rotate(id: string, overlapMillis: number): Promise<ShownSecret | undefined> {
    const secret = makeWebhookSecret();
    const now = this.#clock();
    const values = [id, await this.#box.seal(secret, id), now + overlapMillis, now];
    const endpoint = await this.#one(sql.rotateSecret, values);
    return endpoint && { endpoint, secret };
  }

  /** Deletes an endpoint. The retention removes its deliveries. False for an unknown id. */
  async remove(id: string): Promise<boolean> {
    const { rowCount } = await this.#database.query(sql.deleteEndpoint, [id]);
    return rowCount === 1;
  }

  async #one(text: string, values: unknown[]): Promise<WebhookEndpoint | undefined> {
    const { rows } = await this.#database.query<EndpointRow>(text, values);
    return rows[0] && endpointOf(rows[0]);
  }
}

/** Leaves out what is null. */
function endpointOf({ pending, dead, ...row }: EndpointRow): WebhookEndpoint {
  const known = Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null));
  return { ...(known as Omit<WebhookEndpoint, 'deliveries'>), deliveries: { pending, dead } };
}
