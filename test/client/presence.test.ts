import { unannounced } from '../../client/own.ts';
import { createPresence, type Snapshot, type WireUser } from '../../client/presence.ts';
import { tagOf } from '../../protocol/compact.ts';

const cursorAt = (position: number) => ({ eventId: 'e', position });
const userAt = (position: number | undefined, lastActive: number): WireUser => ({
  ...{ userId: 'bob', username: 'Bob', role: 'viewer', status: 'online', connections: 1, index: 1 },
  ...{ joinedAt: 0, lastSeen: lastActive, lastActive },
  ...(position === undefined ? {} : { cursor: cursorAt(position) }),
});
const snapshot = (position: number | undefined, lastActive: number): Snapshot => ({
  epoch: 'e',
  seq: 1,
  users: [userAt(position, lastActive)],
});
const move = (position: number) => ({
  alias: 'e',
  moves: [{ index: 1, tag: tagOf(cursorAt(0)), numbers: [position] }],
  whole: [],
});

describe('a cursor of the compact form, which has no time', () => {
  let now = 0;
  const presence = () => createPresence({ now: () => now });
  const shown = ({ users }: ReturnType<typeof presence>) => users.get('bob')?.cursor;

  test('[row 17] stays if an older snapshot arrives after it', () => {
    now = 10_000;
    const known = presence();
    known.apply(snapshot(1, 10_000));
    for (const position of [2, 3]) known.moveCompact(move(position));
    now = 10_500;
    // The snapshot was made after the first move and before the second one.
    known.apply(snapshot(2, 10_400));
    expect(shown(known)).toEqual(cursorAt(3));
  });

  test('[row 17] is replaced by a snapshot that cannot have been on its way for so long', () => {
    now = 10_000;
    const known = presence();
    known.apply(snapshot(1, 10_000));
    known.moveCompact(move(2));
    now = 13_000;
    known.apply(snapshot(9, 12_000));
    expect(shown(known)).toEqual(cursorAt(9));
  });

  test('is removed if the snapshot has no cursor of the user', () => {
    now = 10_000;
    const known = presence();
    known.apply(snapshot(1, 10_000));
    known.moveCompact(move(2));
    known.apply(snapshot(undefined, 10_001));
    expect(shown(known)).toBeUndefined();
  });
});

describe('a confirmed change', () => {
  const before: WireUser = { ...userAt(1, 0), activity: 'reading', data: { page: 1 } };

  test('[row 17] does not replace a field that a diff has changed since it was sent', () => {
    const user: WireUser = { ...before, activity: 'writing' };
    expect(unannounced({ activity: null, status: 'away' }, before, user, false)).toEqual({ status: 'away' });
  });

  test('applies whole if the user is alone, because the service announces nothing to them', () => {
    const user: WireUser = { ...before, activity: 'writing' };
    expect(unannounced({ activity: null }, before, user, true)).toEqual({ activity: null });
  });

  test('always applies the cursor, because the service never announces a user’s own cursor to them', () => {
    const user: WireUser = { ...before, cursor: cursorAt(5) };
    expect(unannounced({ cursor: cursorAt(2) }, before, user, false)).toEqual({ cursor: cursorAt(2) });
  });
});
