import { randomUUID } from 'node:crypto';
import { diffFrames } from '../../lambdas/delivery/diff-frames.ts';
import type { PresenceUser } from '../../protocol/entities.ts';
import type { PresenceChange, ServerFrames } from '../../protocol/frames.ts';
import { limits } from '../../protocol/limits.ts';

type Diff = ServerFrames['presence_diff'];

const people = Array.from({ length: 600 }, () => randomUUID());
const joinOf = (userId: string, cursorBytes = 0) =>
  ({ userId, username: 'Member of the crowd', cursor: { eventId: 'x'.repeat(cursorBytes), position: 1 } }) as never;
const changeOf = (userId: string, bytes: number): PresenceChange => ({ userId, activity: 'x'.repeat(bytes) });
const diff = (changes: Partial<Diff>): Diff => ({
  ...{ sessionId: randomUUID(), epoch: 'abcdefabcdef', seq: 40, joins: [], updates: [], leaves: [] },
  ...changes,
});
const bytesOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value));
/** The number of parts that the script gives a diff of this size. */
const partsOf = ({ joins, updates, leaves }: Diff) =>
  1 + Math.floor(bytesOf([...joins, ...updates, ...leaves]) / 24_000);

/** The users who are present after a client applied the frames as docs/protocol.md says. */
function presentAfter(frames: readonly Diff[], before: readonly string[]): Set<string> {
  const present = new Set(before);
  for (const { leaves, joins } of frames) {
    for (const { userId } of leaves) present.delete(userId);
    for (const { userId } of joins) present.add(userId);
  }
  return present;
}

test('a diff with one number is sent as one unchanged frame', () => {
  const small = diff({ leaves: [{ userId: people[0]!, cause: 'left' }] });
  expect(diffFrames(small, 1)).toEqual([{ type: 'presence_diff', ...small }]);
});

test.each<[string, Partial<Diff>]>([
  ['many leaves', { leaves: people.map((userId) => ({ userId, cause: 'session_expired' })) }],
  ['large joins before small ones', { joins: people.slice(0, 60).map((id, at) => joinOf(id, at < 30 ? 1400 : 0)) }],
  [
    'large changes before small ones',
    { updates: people.slice(0, 200).map((id, at) => changeOf(id, at < 80 ? 600 : 4)) },
  ],
  [
    'small changes before large ones',
    { updates: people.slice(0, 200).map((id, at) => changeOf(id, at < 99 ? 4 : 600)) },
  ],
])('[DE7] every frame of %s fits, every number is used and nothing is lost', (_, changes) => {
  const whole = diff(changes);
  const parts = partsOf(whole);
  const frames = diffFrames(whole, parts);
  expect(parts).toBeGreaterThan(1);
  expect(frames.map(({ seq }) => seq)).toEqual(Array.from({ length: parts }, (_, part) => 41 - parts + part));
  for (const frame of frames) expect(bytesOf(frame)).toBeLessThanOrEqual(limits.messageBytes);
  for (const list of ['joins', 'updates', 'leaves'] as const) {
    expect(frames.flatMap((frame): unknown[] => frame[list])).toEqual(whole[list]);
  }
});

test('[DE7] [DE4] a user who left and returned is present after all parts of the diff', () => {
  const leaves = people.map((userId) => ({ userId, cause: 'disconnected' as const }));
  const joins: PresenceUser[] = people.slice(-50).map((userId) => joinOf(userId));
  const whole = diff({ leaves, joins });
  expect(presentAfter(diffFrames(whole, partsOf(whole)), people)).toEqual(new Set(people.slice(-50)));
});
