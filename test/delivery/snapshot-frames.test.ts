import { splitUsers } from '../../lambdas/delivery/snapshot-frames.ts';
import type { PresenceUser } from '../../protocol/entities.ts';
import type { ServerFrames } from '../../protocol/frames.ts';
import { limits } from '../../protocol/limits.ts';

const userId = (index: number) => `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`;

function crowd(many: number, cursorBytes = 0): PresenceUser[] {
  return Array.from({ length: many }, (_, index) => ({
    userId: userId(index),
    username: `Member ${index} of the crowd, from Zürich`,
    role: 'viewer',
    status: 'online',
    lastSeen: 1_800_000_000_000,
    lastActive: 1_800_000_000_000,
    joinedAt: 1_800_000_000_000,
    connections: 1,
    index,
    ...(cursorBytes > 0 && { cursor: { eventId: 'x'.repeat(cursorBytes), position: 1 } }),
  }));
}

function partFrame(users: PresenceUser[]): string {
  const state: ServerFrames['presence_state'] = {
    ...{ sessionId: userId(1), epoch: 'abcdefabcdef', seq: 1_000_000_000, users },
    ...{ part: 99, parts: 100, snapshotId: userId(2) },
  };
  return JSON.stringify({ type: 'presence_state', ...state });
}

test.each([
  [50, 0],
  [1000, 0],
  [1000, 900],
])(
  '[DE7] every part of a snapshot of %i people (cursors of %i bytes) fits its frame, and all together are everybody',
  (many, cursorBytes) => {
    const users = crowd(many, cursorBytes);
    // The answer to a join says something about the session, too: its objective as such and in the metadata of 8 KB.
    const sessionBytes = 17 * 1024;
    const parts = splitUsers(users, sessionBytes);
    expect(parts.flat()).toEqual(users);
    for (const part of parts) expect(Buffer.byteLength(partFrame(part))).toBeLessThanOrEqual(limits.messageBytes);
    expect(Buffer.byteLength(partFrame(parts[0]!))).toBeLessThanOrEqual(limits.messageBytes - sessionBytes);
  },
);

test('[DE7] the parts after the first are filled, so that a large room costs as few posts as it can', () => {
  const parts = splitUsers(crowd(1000), 9 * 1024);
  const middle = parts.slice(1, -1).map((part) => Buffer.byteLength(partFrame(part)));
  expect(middle.length).toBeGreaterThan(3);
  expect(Math.min(...middle)).toBeGreaterThan(limits.messageBytes - 1024);
});
