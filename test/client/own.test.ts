import { createOwn, type Own, unannounced } from '../../client/own.ts';
import type { WireUser } from '../../client/presence.ts';

const user: WireUser = {
  ...{ userId: 'ada', username: 'Ada', role: 'viewer', status: 'online', connections: 1 },
  ...{ joinedAt: 0, lastSeen: 0, lastActive: 0, data: {} },
};

/** Sets a change and sends it. */
function send(own: Own, change: Parameters<Own['set']>[0]) {
  own.set(change);
  return own.take(true, user)!;
}

describe('two changes whose answers arrive in the other order', () => {
  test('[row 17] the later value is shown, before and after the answer to the earlier change', () => {
    const own = createOwn({});
    const earlier = send(own, { activity: 'typing', data: { page: 1, zoom: 2 } });
    const later = send(own, { activity: null, data: { page: 3 } });
    own.confirm(later);
    const shown = () => own.show({ ...user, data: { page: 3 } });
    expect(shown()).toEqual({ ...user, data: { page: 3, zoom: 2 } });
    own.confirm(earlier);
    expect(shown()).toEqual({ ...user, data: { page: 3 } });
    // The answer confirms only what no later change has set.
    expect(earlier).toEqual({ data: { zoom: 2 } });
  });

  test('[row 15] after the socket is lost, the earlier value is not sent again', () => {
    const own = createOwn({});
    const earlier = send(own, { activity: 'typing', data: { page: 1 } });
    own.confirm(send(own, { activity: null }));
    own.repeat(earlier);
    expect(own.take(true)).toEqual({ data: { page: 1 } });
  });

  test('[row 15] if the earlier change failed, its value does not replace the later one', () => {
    const own = createOwn({});
    const earlier = send(own, { activity: 'typing', data: { page: 1, zoom: 2 } });
    const later = send(own, { activity: null, data: { page: 3 } });
    own.repeat(earlier);
    expect(own.take(true)).toEqual({ data: { zoom: 2 } });
    own.repeat(later);
    expect(own.take(true)).toEqual({ activity: null, data: { page: 3 } });
  });

  test('[row 15] [PR5] an activity that is sent again does not end the status `away` that was chosen after it', () => {
    const own = createOwn({});
    const earlier = send(own, { activity: 'typing' });
    own.confirm(send(own, { status: 'away' }));
    own.repeat(earlier);
    expect(own.take(true)).toEqual({ activity: 'typing', status: 'away' });
  });

  test('the data that the application passed do not change', () => {
    const own = createOwn({});
    const data = { page: 1 };
    send(own, { data });
    own.confirm(send(own, { data: { page: 2 } }));
    expect(data).toEqual({ page: 1 });
  });
});

test('[row 17] an answer that comes late does not undo what another tab of the user changed since, although it is as before', () => {
  const own = createOwn({});
  const change = send(own, { activity: 'typing', status: 'away' });
  for (const activity of ['typing', null]) own.announced({ userId: 'ada', activity });
  const before = own.confirm(change);
  expect(unannounced(change, before, user, false)).toEqual({ status: 'away' });
  expect(unannounced(change, before, user, true)).toEqual(change);
});

test('[row 17] an answer that comes late does not undo a key that another tab changed since, and confirms the other keys', () => {
  const own = createOwn({});
  const change = send(own, { data: { page: 1, zoom: 2 } });
  own.announced({ userId: 'ada', data: { page: null } });
  expect(unannounced(change, own.confirm(change), user, false)).toEqual({ data: { zoom: 2 } });
});

test('[row 15] of two changes of different keys each answer confirms its own', () => {
  const own = createOwn({});
  const known = { ...user, data: { page: 1, zoom: 2 } };
  own.set({ data: { page: null } });
  const first = own.take(true, known)!;
  own.set({ data: { zoom: null } });
  const second = own.take(true, known)!;
  expect(unannounced(first, own.confirm(first), known, false)).toEqual({ data: { page: null } });
  const between = { ...user, data: { zoom: 2 } };
  expect(unannounced(second, own.confirm(second), between, false)).toEqual({ data: { zoom: null } });
});

describe('after the service lost its data', () => {
  const known: WireUser = { ...user, activity: 'editing', data: { page: 1, zoom: 2 } };

  test('[row 15] [FA2] only what it lacks is said again', () => {
    const own = createOwn({});
    own.restore({ ...user, data: { page: 1 } }, known, []);
    expect(own.take(true)).toEqual({ activity: 'editing', data: { zoom: 2 } });
  });

  test('[row 15] [FA2] what this client or another tab changed since is not said again', () => {
    const own = createOwn({});
    own.restore(user, known, [{ userId: 'ada', activity: null, data: { page: null } }]);
    expect(own.take(true)).toEqual({ data: { zoom: 2 } });
  });

  test('[row 15] [FA2] what a change on its way sets is not said again', () => {
    const own = createOwn({});
    send(own, { activity: null, data: { page: null } });
    own.restore(known, known, []);
    expect(own.take(true)).toBeUndefined();
    own.restore(user, known, []);
    expect(own.take(true)).toEqual({ data: { zoom: 2 } });
  });

  test('[row 15] [FA2] of a user with two tabs it keeps what it has', () => {
    const own = createOwn({});
    own.restore({ ...user, connections: 2, activity: 'reading', data: { page: 3 } }, known, []);
    expect(own.take(true)).toEqual({ data: { zoom: 2 } });
  });
});

test('[row 15] a join on the same socket does not contain the value before a change that is on its way', () => {
  const own = createOwn({});
  const known = { ...user, activity: 'editing', data: { page: 1, zoom: 2 } };
  send(own, { activity: 'reading', data: { page: null } });
  expect(own.forJoin({}, known)).toEqual({ data: { zoom: 2 } });
});
