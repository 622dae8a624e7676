import { logContext, withLogContext, withoutLogContext } from '../../lambdas/platform/log-context.ts';

test('work inside other work has the ids of both, and afterwards they are gone', async () => {
  await withLogContext({ requestId: 'r', connectionId: 'c' }, async () => {
    await Promise.resolve();
    withLogContext({ sessionId: 's' }, () =>
      expect(logContext()).toEqual({ requestId: 'r', connectionId: 'c', sessionId: 's' }),
    );
    expect(logContext()).toEqual({ requestId: 'r', connectionId: 'c' });
  });
  expect(logContext()).toEqual({});
});

test('two invocations at the same time keep their ids apart, also in work that they did not await', async () => {
  const seen: unknown[] = [];
  const invocation = (requestId: string) =>
    withLogContext({ requestId }, async () => {
      const late = new Promise((resolve) => setImmediate(resolve)).then(() => seen.push(logContext()));
      await Promise.resolve();
      return late;
    });
  await Promise.all([invocation('a'), invocation('b')]);
  expect(seen).toEqual([{ requestId: 'a' }, { requestId: 'b' }]);
});

test('the listener of a client has no ids', () => {
  withLogContext({ requestId: 'r' }, () => withoutLogContext(() => expect(logContext()).toEqual({})));
});
