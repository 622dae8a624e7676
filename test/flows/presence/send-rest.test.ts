import type { Caller } from '../../../lambdas/flows/callers/caller.ts';
import { sendRest } from '../../../lambdas/flows/presence/send-rest.ts';
import type { PresenceUser } from '../../../protocol/entities.ts';
import { testServices } from '../../support/test-services.ts';

const sent = jest.fn<void, [unknown]>();

const broadcast = async (connectionIds: string[], frame: unknown) => {
  expect(connectionIds).toEqual(['c1']);
  sent(frame);
  return { delivered: 1, gone: [], failed: [], throttled: 0 };
};
const services = testServices({ broadcaster: { broadcast } });

const caller = { connectionId: 'c1', userId: 'u1' } as unknown as Caller;
const crowd = (many: number) =>
  Array.from({ length: many }, (_, index) => ({ userId: `u${index}`, username: 'x'.repeat(200) }) as PresenceUser);
const snapshot = (many: number) => ({ sessionId: 's1', epoch: 'e', seq: 7, users: crowd(many) });

beforeEach(() => sent.mockClear());

test('[DE7] all parts of a snapshot have the same snapshotId, and another snapshot with the same seq has another id', async () => {
  const first = await sendRest(services, caller, snapshot(300));
  const parts = sent.mock.calls.map(([frame]) => frame as typeof first);
  expect(parts.length).toBeGreaterThan(1);
  expect(new Set([first, ...parts].map(({ snapshotId }) => snapshotId)).size).toBe(1);
  expect([first, ...parts].map(({ part }) => part)).toEqual(
    Array.from({ length: first.parts! }, (_, index) => index + 1),
  );
  expect([first, ...parts].flatMap(({ users }) => users)).toEqual(crowd(300));
  const second = await sendRest(services, caller, snapshot(300));
  expect(second.snapshotId).not.toBe(first.snapshotId);
});

test('[DE7] a snapshot that fits one frame has no parts and no snapshotId', async () => {
  expect(await sendRest(services, caller, snapshot(10))).toEqual(snapshot(10));
  expect(sent).not.toHaveBeenCalled();
});
