import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createTestRollcall } from '../../client/testing/index.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const heapBytes = () => {
  collect();
  return process.memoryUsage().heapUsed;
};

test('[row 35] timers, listeners and memory do not grow over 1,000 reconnects', async () => {
  const rollcall = createTestRollcall({ sessionTimeoutMillis: 1e12 });
  const ada = rollcall.client('ada', { tokenSeconds: 1e8 });
  const bob = rollcall.client('bob', { tokenSeconds: 1e8 });
  const hers = ada.open('doc');
  const his = bob.open('doc');
  await Promise.all([hers.ready, his.ready]);
  const device = rollcall.device(bob);
  const reconnect = async () => {
    const dials = device.dials;
    await rollcall.breakSockets(bob);
    await rollcall.advance(1000);
    expect(his.state).toBe('joined');
    expect(device.dials).toBe(dials + 1);
    rollcall.service.frames.length = 0;
    rollcall.service.handshakes.length = 0;
  };
  for (let warm = 0; warm < 50; warm += 1) await reconnect();
  const held = device.held;
  const heap = heapBytes();
  for (let round = 0; round < 1000; round += 1) await reconnect();
  expect(device.held).toBe(held);
  expect(hers.others).toHaveLength(1);
  expect(heapBytes() - heap).toBeLessThan(1e6);
  ada.close();
  bob.close();
  expect(device.held).toBe(0);
});

test('[row 35] joining and leaving 1,000 times leaves no timer and no listener', async () => {
  const rollcall = createTestRollcall();
  const client = rollcall.client('bob');
  const first = client.open('doc');
  await first.ready;
  await rollcall.advance(200);
  const { held } = rollcall.device(client);
  for (let round = 0; round < 1000; round += 1) {
    const session = client.open(`doc-${round}`);
    const stop = session.subscribe(() => {});
    await session.ready;
    await session.leave();
    stop();
    await rollcall.advance(200);
  }
  expect(rollcall.device(client).held).toBe(held);
  client.close();
  expect(rollcall.device(client).held).toBe(0);
});

test.each(['joined', 'joined again'])(
  '[row 35] a client that is closed as soon as it has %s keeps no timer and no listener',
  async (moment) => {
    const rollcall = createTestRollcall();
    const client = rollcall.client('ada');
    const session = client.open('doc');
    if (moment !== 'joined') {
      await session.ready;
      void rollcall.breakSockets(client);
    }
    const closed = new Promise<void>((resolve) => {
      session.on('state', (state) => {
        if (state !== 'joined') return;
        client.close();
        resolve();
      });
    });
    await rollcall.advance(5000);
    await closed;
    expect(rollcall.device(client).held).toBe(0);
  },
);

test.each(['is closed', 'was closed before'])(
  '[row 35] an activity of a client that %s keeps no timer',
  async (moment) => {
    const rollcall = createTestRollcall();
    const client = rollcall.client('ada');
    const session = client.open('doc');
    await session.ready;
    const device = rollcall.device(client);
    if (moment === 'is closed') device.cut(false);
    else client.close();
    const logging = session.logActivity('note').catch((error) => error);
    if (moment === 'is closed') client.close();
    await rollcall.advance(60_000);
    await logging;
    expect(device.held).toBe(0);
  },
);

test('[row 35] an activity of a closed client is sent when the client connects again', async () => {
  const rollcall = createTestRollcall();
  const client = rollcall.client('ada');
  const session = client.open('doc');
  await session.ready;
  client.close();
  void session.logActivity('note').catch(() => {});
  await rollcall.advance(60_000);
  void client.connect();
  await rollcall.advance(5000);
  const { items } = await session.queryActivity({ activityType: 'note' });
  expect(items).toHaveLength(1);
});
