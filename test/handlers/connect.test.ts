import {
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { handler, connect as serve } from '../../lambdas/handlers/connect.ts';
import { log } from '../../lambdas/platform/log.ts';
import { type Measured, Meter } from '../../lambdas/platform/meter.ts';
import { messageEvent } from '../adapters/socket-event.ts';
import { testServices } from '../support/test-services.ts';

const dynamodb = mockClient(DynamoDBClient);
beforeAll(() => {
  process.env['CONNECTIONS_TABLE'] = 'connections';
  process.env['AWS_REGION'] = 'us-east-1';
});
beforeEach(() => {
  dynamodb.reset();
  // The client returns an empty answer to a write.
  dynamodb.onAnyCommand().resolves({});
});
afterEach(() => jest.restoreAllMocks());

const refused = Object.assign(new Error('refused'), { name: 'ConditionalCheckFailedException' });
const connect = (headers?: Record<string, string>) => handler({ ...messageEvent(''), ...(headers ? { headers } : {}) });

test('a connection is stored with its user and an expiry', async () => {
  await connect();
  const { Item, TableName } = dynamodb.commandCalls(PutItemCommand)[0]!.args[0].input;
  expect(TableName).toBe('connections');
  expect(Item).toMatchObject({
    connectionId: { S: 'c1' },
    sessionId: { S: '-' },
    userId: { S: '0190f1e2-6d0a-7c3b-8f4d-1a2b3c4d5e6f' },
  });
  const seconds = Number(Item!['expiresAt']!.N) - Date.now() / 1000;
  expect(seconds).toBeGreaterThan(2 * 3600);
  expect(seconds).toBeLessThan(4 * 3600);
});

test('the offered subprotocol is selected, and the answer never contains the token', async () => {
  const selected = { statusCode: 200, headers: { 'Sec-WebSocket-Protocol': 'rollcall.v1' } };
  expect(await connect({ 'sec-websocket-PROTOCOL': 'bearer.abc , rollcall.v1' })).toEqual(selected);
  expect(await connect({ 'Sec-WebSocket-Protocol': 'bearer.abc' })).toEqual({ statusCode: 200 });
  expect(await connect({ 'Sec-WebSocket-Protocol': 'rollcall.v10' })).toEqual({ statusCode: 200 });
  expect(await connect()).toEqual({ statusCode: 200 });
});

test.each([[['bearer.abc', 'rollcall.v1']], [['rollcall.v1', 'bearer.abc']], [['bearer.abc, rollcall.v1']]])(
  'the subprotocol is selected from the header lines %j, of which `headers` has only the last',
  async (lines) => {
    const event = {
      ...messageEvent(''),
      headers: { 'Sec-WebSocket-Protocol': lines.at(-1)! },
      multiValueHeaders: { 'Sec-WebSocket-Protocol': lines },
    };
    expect(await handler(event)).toMatchObject({ headers: { 'Sec-WebSocket-Protocol': 'rollcall.v1' } });
  },
);

test('[FA4] while DynamoDB is away, a handshake is refused with 503 and logged once', async () => {
  const error = jest.spyOn(log, 'error').mockImplementation(() => {});
  dynamodb.on(PutItemCommand).rejects(new Error('away'));
  expect(await connect({ 'Sec-WebSocket-Protocol': 'rollcall.v1' })).toEqual({ statusCode: 503 });
  expect(error).toHaveBeenCalledTimes(1);
});

test('[CO1] a handshake over a cap is refused with 429, and the log says which', async () => {
  const warn = jest.spyOn(log, 'warn').mockImplementation(() => {});
  const full = marshall({ total: 100, [`h${Math.floor(Date.now() / 3_600_000)}`]: 100 });
  dynamodb.on(UpdateItemCommand).rejects(refused).on(GetItemCommand).resolves({ Item: full });
  expect(await connect({ 'Sec-WebSocket-Protocol': 'rollcall.v1' })).toEqual({ statusCode: 429 });
  expect(dynamodb.commandCalls(DeleteItemCommand)).toHaveLength(1);
  expect(warn).toHaveBeenCalledWith(
    'A handshake was refused: too many connections',
    expect.objectContaining({ by: 'user' }),
  );
});

test.each([
  ['cannot be stored', () => Promise.reject(new Error('away')), 'handshakesFailed', 'handshakesRefused'],
  ['is over a cap', async () => 'user', 'handshakesRefused', 'handshakesFailed'],
])('a handshake that %s is counted once', async (_, add, counted, other) => {
  const lines: Measured[] = [];
  const metrics = new Meter((measured) => lines.push(measured));
  await serve(testServices({ metrics, registry: { add } }), messageEvent(''));
  metrics.writeAll();
  const sums = Object.fromEntries(lines.flatMap((line) => [...line]));
  expect(sums).toMatchObject({ [counted]: [1] });
  expect(sums).not.toHaveProperty(other);
});
