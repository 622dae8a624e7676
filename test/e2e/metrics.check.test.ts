import WebSocket from 'ws';
import { metricUnits } from '../../protocol/metrics.ts';
import { leavesOf } from '../support/presence-frames.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';
import { scaleSettings } from '../support/time-limits.ts';

let stack: TestStack;
beforeAll(async () => {
  const settings = scaleSettings({
    PRESENCE_UPDATE_SECONDS: '1',
    HEARTBEAT_TIMEOUT_SECONDS: '1',
    RECONNECT_GRACE_SECONDS: '0.5',
    // So short that signs of life of a machine are written every other second.
    LIVENESS_TIMEOUT_SECONDS: '8',
  });
  stack = await startTestStack(settings, { environment: { LOG_LEVEL: 'DEBUG' }, schedules: true });
});
afterAll(() => stack.close());

/** The lines of metrics that the functions wrote, with the name of the function. */
function written(): Record<string, unknown>[] {
  return stack.lines.flatMap((line) => {
    const [, json] = / metrics (\{.*\})$/.exec(line) ?? [];
    return json === undefined ? [] : [JSON.parse(json) as Record<string, unknown>];
  });
}

const valuesOf = (name: string) => written().flatMap((line) => (name in line ? [line[name]].flat() : [])) as number[];

/** These have a value only while something fails, or only with a webhook. Tests of their own cause that. */
const causedElsewhere = ['postsGone', 'postsThrottled', 'postsFailed', 'handshakesFailed'];
const isCausedElsewhere = (name: string) => causedElsewhere.includes(name) || name.startsWith('webhooks');

/** A connection may send at most twenty messages in a second. */
const belowLimit = () => new Promise((resolve) => setTimeout(resolve, 100));

test('a used service writes every metric, with the service as the only dimension and no id', async () => {
  const { owner, session } = await stack.host('ada');
  const guest = await stack.arrive('bob');
  await guest.expect('session_joined', { type: 'session_join', sessionId: session.id });
  const refused = new WebSocket(stack.websocket);
  const [status] = await new Promise<[number]>((resolve) => {
    refused.once('unexpected-response', (_, { statusCode = 0 }) => resolve([statusCode]));
  });
  expect(status).toBe(401);
  const cursors = async (isEnough: () => boolean) => {
    for (let step = 1; !isEnough(); step += 1) {
      const cursor = { x: step, y: 1 };
      await belowLimit();
      await owner.expect('ack', { type: 'cursor_update', sessionId: session.id, cursor, requestId: `r${step}` });
    }
  };
  // The other user sends nothing and times out. The frames of the owner let the functions write what they measured before.
  const hasSeenPeople = () => Math.max(0, ...valuesOf('activeUsers')) > 0 && valuesOf('mergedShare').length > 0;
  await cursors(() => leavesOf(owner, guest.userId) > 0 && hasSeenPeople());
  await owner.expect('session_left', { type: 'session_leave', sessionId: session.id });
  const machine = { machineId: `m-${owner.userId}` };
  await owner.expect('machine_registered', { type: 'machine_register', ...machine, name: 'M' });
  // Now nobody is present, so the sweep ends, and writes what it measured.
  const names = Object.keys(metricUnits).filter((name) => !isCausedElsewhere(name));
  const missing = () => names.filter((name) => valuesOf(name).length === 0);
  while (missing().length > 0) {
    await belowLimit();
    await owner.expect('pong', { type: 'ping' });
    await owner.expect('ack', { type: 'machine_heartbeat', ...machine });
  }
  for (const line of written()) {
    const { service, function: writer, ...values } = line;
    expect(service).toBe('rollcall');
    expect(writer).toBeTruthy();
    for (const value of Object.values(values).flat()) expect(typeof value).toBe('number');
    expect(Object.keys(metricUnits)).toEqual(expect.arrayContaining(Object.keys(values)));
  }
  expect(Math.max(...valuesOf('activeSessions'))).toBe(1);
  expect(Math.max(...valuesOf('heartbeatsMissed'))).toBeGreaterThanOrEqual(1);
  expect(Math.max(...valuesOf('redisConnections'))).toBeGreaterThan(0);
  expect(valuesOf('handshakesRefused')).toEqual([1]);
  // On a busy machine a store may be too slow for some frames.
  expect(valuesOf('errorRate')).toContain(0);
  expect(new Set(valuesOf('outboxDepth'))).toEqual(new Set([0]));
});
