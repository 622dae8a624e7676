import { DynamoDBClient, ListTablesCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { byName } from './state-watch.ts';

const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };

/** A connection table in a DynamoDB. */
export class ConnectionTable {
  readonly #client: DynamoDBClient;
  readonly #name: string;

  constructor(endpoint: string, name: string) {
    this.#client = new DynamoDBClient({ endpoint, region: 'us-east-1', credentials });
    this.#name = name;
  }

  /** The table that has a connection. @throws Error if none has it. */
  static async of(endpoint: string, connectionId: string): Promise<ConnectionTable> {
    const client = new DynamoDBClient({ endpoint, region: 'us-east-1', credentials });
    const { TableNames = [] } = await client.send(new ListTablesCommand({}));
    const scan = async (TableName: string) => (await client.send(new ScanCommand({ TableName }))).Items ?? [];
    const scans = await Promise.all(TableNames.map(scan));
    client.destroy();
    const index = scans.findIndex((items) => items.some((item) => item['connectionId']?.S === connectionId));
    if (index < 0) throw new Error(`No table has the connection ${connectionId}.`);
    return new ConnectionTable(endpoint, TableNames[index]!);
  }

  /**
   * The items, one in a line. Not those that only say that a connection left, or was not in a session: a join that was sent before
   * may arrive later (rule PR18).
   */
  async read(): Promise<string[]> {
    const { Items = [] } = await this.#client.send(new ScanCommand({ TableName: this.#name, ConsistentRead: true }));
    const kept = Items.map((item) => unmarshall(item)).filter((item) => item['userId'] !== undefined);
    return kept.map((item) => JSON.stringify(Object.entries(item).sort(byName))).sort();
  }
}
