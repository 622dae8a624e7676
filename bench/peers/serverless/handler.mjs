import { ApiGatewayManagementApiClient, PostToConnectionCommand } from '@aws-sdk/client-apigatewaymanagementapi';
import { Redis } from 'ioredis';

const redis = new Redis(process.env.REDIS_URL);
const gateway = new ApiGatewayManagementApiClient({
  endpoint: process.env.MANAGEMENT_ENDPOINT,
  region: 'us-east-1',
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
});

export async function connect({ requestContext }) {
  await redis.sadd('room', requestContext.connectionId);
  return { statusCode: 200 };
}

export async function disconnect({ requestContext }) {
  await redis.srem('room', requestContext.connectionId);
  return { statusCode: 200 };
}

export async function cursor({ requestContext, body }) {
  const receivers = (await redis.smembers('room')).filter((id) => id !== requestContext.connectionId);
  await Promise.all(
    receivers.map((ConnectionId) => gateway.send(new PostToConnectionCommand({ ConnectionId, Data: body }))),
  );
  return { statusCode: 200 };
}
