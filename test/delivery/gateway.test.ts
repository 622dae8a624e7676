import {
  ApiGatewayManagementApiClient,
  GoneException,
  LimitExceededException,
  PayloadTooLargeException,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi';
import { mockClient } from 'aws-sdk-client-mock';
import { ManagementGateway } from '../../lambdas/delivery/gateway.ts';

const mock = mockClient(ApiGatewayManagementApiClient);
const gateway = new ManagementGateway(new ApiGatewayManagementApiClient({ region: 'us-east-1', endpoint: 'http://x' }));
beforeEach(() => mock.reset());

const answered = (status: number) => ({ message: 'no', $metadata: { httpStatusCode: status } });
const failed = (status: number) => Object.assign(new Error('no'), { $metadata: { httpStatusCode: status } });
const bytes = new TextEncoder().encode('{"type":"pong"}');

test('a frame is posted with exactly its bytes', async () => {
  expect(await gateway.post('c1', bytes)).toBe('delivered');
  expect(mock.commandCalls(PostToConnectionCommand)[0]!.args[0].input).toEqual({ ConnectionId: 'c1', Data: bytes });
});

test.each([
  ['gone', new GoneException(answered(410))],
  ['gone', failed(410)],
  ['throttled', new LimitExceededException(answered(429))],
  ['throttled', failed(429)],
  ['failed', failed(500)],
  ['failed', failed(503)],
  ['failed', Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })],
  ['failed', Object.assign(new Error('took too long'), { name: 'TimeoutError' })],
  ['refused', new PayloadTooLargeException(answered(413))],
  ['refused', failed(403)],
])('[DE6] a post has the result %s after %s', async (result, error) => {
  mock.on(PostToConnectionCommand).rejects(error);
  expect(await gateway.post('c1', bytes)).toBe(result);
  expect(mock.commandCalls(PostToConnectionCommand)).toHaveLength(1);
});
