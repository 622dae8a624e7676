import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BackingServices, causeOfFailure, startBackingServices } from '../../local/backing/services.ts';

let directory: string;
let services: BackingServices;
/** The process that owns the servers of this test. */
let owner: number;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rollcall-backing-'));
  const given = { databaseUrl: 'postgres://unused', redisUrl: 'redis://unused' };
  const before = await children();
  services = await startBackingServices({ ...given, directory, durable: false });
  [owner = 0] = (await children()).filter((pid) => !before.includes(pid));
  expect(owner).toBeGreaterThan(0);
});
afterEach(async () => {
  await services.stop();
  await rm(directory, { recursive: true, force: true });
});

/** The child processes of this process. */
async function children(): Promise<number[]> {
  const text = await readFile(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8');
  return text.split(' ').filter(Boolean).map(Number);
}

const refused = new Error('connect ECONNREFUSED');

test('if the servers ended by themselves, a failed start says so and not which call failed first', async () => {
  process.kill(owner, 'SIGKILL');
  expect(await causeOfFailure(services, refused)).toEqual(
    new Error('The process of the backing servers ended unexpectedly; start again.'),
  );
});

test('if the servers run, a failed start keeps its own error, and the servers are stopped', async () => {
  expect(await causeOfFailure(services, refused)).toBe(refused);
  expect(() => process.kill(owner, 0)).toThrow('ESRCH');
});
