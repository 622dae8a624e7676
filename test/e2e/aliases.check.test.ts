import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assemblyWith } from '../support/assembly.ts';
import { leaveOf, stayPresent } from '../support/presence-frames.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';
import { scaleSettings } from '../support/time-limits.ts';

const settings = scaleSettings({
  PRESENCE_UPDATE_SECONDS: '1',
  HEARTBEAT_TIMEOUT_SECONDS: '1',
  RECONNECT_GRACE_SECONDS: '0.5',
});
let directory: string;
let stack: TestStack;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rollcall-aliases-'));
  stack = await startTestStack(settings, { assemblyDirectory: await assemblyWith(settings, directory, 'prod') });
});
afterAll(async () => {
  await stack.close();
  await rm(directory, { recursive: true, force: true });
});

test('with the aliases of prod, a join may start the sweep, which announces a leave', async () => {
  const { owner, session } = await stack.host('ada');
  const stop = await stayPresent(owner, session.id);
  const guest = await stack.arrive('bob');
  await guest.expect('session_joined', { type: 'session_join', sessionId: session.id });
  guest.cut();
  await leaveOf(owner, guest.userId);
  stop();
  expect(stack.lines.filter((line) => /does not allow|could not be started/.test(line))).toEqual([]);
});
