import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DescribeTableCommand,
  DynamoDBClient,
  ResourceInUseException,
  ResourceNotFoundException,
  type TableDescription,
} from '@aws-sdk/client-dynamodb';
import { localAccount } from '../template/local-account.ts';
import type { ResolvedResource, Resolver } from '../template/resolver.ts';

/**
 * Creates those tables of the template that do not exist yet.
 *
 * @throws Error if a table exists with other keys or indexes than in the template.
 */
export async function createTables(resolver: Resolver, endpoint: string): Promise<void> {
  const tables = resolver.resourcesOfType('AWS::DynamoDB::Table', 'AWS::DynamoDB::GlobalTable');
  if (tables.length === 0) return;
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new DynamoDBClient({ endpoint, region: localAccount.region, credentials, maxAttempts: 2 });
  try {
    await Promise.all(tables.map((table) => ensureTable(client, table)));
  } finally {
    client.destroy();
  }
}

async function ensureTable(client: DynamoDBClient, table: ResolvedResource): Promise<void> {
  const wanted = tableInput(table);
  const existing = await client.send(new DescribeTableCommand({ TableName: wanted.TableName })).then(
    ({ Table }) => Table,
    (error: unknown) => {
      if (error instanceof ResourceNotFoundException) return undefined;
      throw new Error(`DynamoDB did not describe the table ${wanted.TableName}: ${(error as Error).message}`, {
        cause: error,
      });
    },
  );
  if (!existing) return createTable(client, wanted);
  if (shapeOf(existing) !== shapeOf(wanted)) {
    throw new Error(
      `The table ${wanted.TableName} was made with other keys or indexes; start once with --fresh to make it again.`,
    );
  }
}

/** Another start may create the same table at the same time. */
async function createTable(client: DynamoDBClient, table: CreateTableCommandInput): Promise<void> {
  await client.send(new CreateTableCommand(table)).catch((error: unknown) => {
    if (!(error instanceof ResourceInUseException)) throw error;
  });
}

function tableInput({ reference, properties }: ResolvedResource): CreateTableCommandInput {
  const input = properties as Omit<CreateTableCommandInput, 'TableName'>;
  return {
    TableName: reference,
    AttributeDefinitions: input.AttributeDefinitions,
    KeySchema: input.KeySchema,
    BillingMode: 'PAY_PER_REQUEST',
    GlobalSecondaryIndexes: input.GlobalSecondaryIndexes?.map(({ IndexName, KeySchema, Projection }) => ({
      IndexName,
      KeySchema,
      Projection,
    })),
    LocalSecondaryIndexes: input.LocalSecondaryIndexes,
  };
}

type TableShape = Pick<TableDescription, 'KeySchema' | 'GlobalSecondaryIndexes' | 'LocalSecondaryIndexes'>;

function shapeOf(table: TableShape | CreateTableCommandInput): string {
  const keys = (schema: TableShape['KeySchema']) =>
    schema?.map(({ AttributeName, KeyType }) => [AttributeName, KeyType]);
  const indexes = [...(table.GlobalSecondaryIndexes ?? []), ...(table.LocalSecondaryIndexes ?? [])];
  const described = indexes.map(({ IndexName, KeySchema }) => [IndexName, keys(KeySchema)]);
  return JSON.stringify([keys(table.KeySchema), described.sort()]);
}
