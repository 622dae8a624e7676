import { useClientPages } from '../support/client-pages.ts';
import { signToken } from '../support/sign-token.ts';
import { scaleLimit } from '../support/time-limits.ts';

// The client in a real browser replaces its connection before the connection or its token ends.

/** The gateway closes each connection at this age, as API Gateway does after two hours. */
const lifetimeMillis = scaleLimit(6000);
const rolloverSeconds = lifetimeMillis / 3000;
const pages = useClientPages({}, { lifetimeMillis });

const hellos = (sent: readonly string[]) => sent.filter((frame) => frame.includes('"hello"')).length;

test('[CL2] pages that outlive the limit of a connection three times stay connected, and no user sees a leave', async () => {
  const { ada, bob } = await pages.pair('rollover', { rolloverSeconds });
  const end = Date.now() + 3 * lifetimeMillis;
  for (let x = 1; Date.now() < end; x += 1) {
    await bob.page.evaluate((at) => session.setCursor({ x: at }), x);
    await ada.page.waitForFunction((at) => session.others[0]?.cursor?.['x'] === at, x);
  }
  for (const { page, sent } of [ada, bob]) {
    expect(await page.evaluate(() => [session.state, ...seen])).toEqual(['joined', 'connecting', 'open']);
    expect(hellos(sent)).toBeGreaterThan(3);
  }
});

test('[CL2] [row 9] a page whose tokens expire after seconds stays connected and joined, and no user sees a leave', async () => {
  const { stack } = pages;
  const acceptedSeconds = Math.ceil(scaleLimit(10_000) / 1000);
  const given: number[] = [];
  const claims = { sub: 'expiry-bob', name: 'expiry-bob', rollcall: { sessions: { 'expiry-doc': 'commenter' } } };
  const token = async () => {
    given.push(Date.now());
    return signToken(stack, claims, acceptedSeconds);
  };
  const ada = await pages.open('expiry-ada', { rolloverSeconds });
  await ada.page.evaluate(async () => {
    globalThis.session = client.open('expiry-doc');
    session.on('left', ({ cause }) => seen.push(`left ${cause}`));
    await session.ready.catch(() => session.ready);
  });
  const bob = await pages.open('expiry-bob', { token });
  await bob.page.evaluate(async () => {
    globalThis.session = client.open('expiry-doc');
    await session.ready.catch(() => session.ready);
  });
  const end = given[0]! + 2000 * acceptedSeconds;
  for (let step = 1; Date.now() < end; step += 1) {
    await bob.page.evaluate((at) => session.setActivity(`step ${at}`), step);
    await ada.page.waitForFunction((at) => session.others[0]?.activity === `step ${at}`, step);
  }
  expect(await bob.page.evaluate(() => [session.state, session.role, ...seen])).toEqual([
    ...['joined', 'commenter'],
    ...['connecting', 'open'],
  ]);
  expect(await ada.page.evaluate(() => seen)).toEqual(['connecting', 'open']);
  expect(given.length).toBeGreaterThan(2);
});
