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
  '[DE7] each part of a snapshot of %i users (cursors of %i bytes) fits a frame, and all parts together have all users',
  (many, cursorBytes) => {
    const users = crowd(many, cursorBytes);
    // The answer to a join also has the session: its objective, also within the metadata of 8 KB.
    const sessionBytes = 17 * 1024;
    const parts = splitUsers(users, sessionBytes);
    expect(parts.flat()).toEqual(users);
    for (const part of parts) expect(Buffer.byteLength(partFrame(part))).toBeLessThanOrEqual(limits.messageBytes);
    expect(Buffer.byteLength(partFrame(parts[0]!))).toBeLessThanOrEqual(limits.messageBytes - sessionBytes);
  },
);

test('[DE7] the parts after the first are filled, so that a large session needs the fewest posts', () => {
  const parts = splitUsers(crowd(1000), 9 * 1024);
  const middle = parts.slice(1, -1).map((part) => Buffer.byteLength(partFrame(part)));
  expect(middle.length).toBeGreaterThan(3);
  expect(Math.min(...middle)).toBeGreaterThan(limits.messageBytes - 1024);
});
