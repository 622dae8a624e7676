import { Crowd } from '../../bench/storm/crowd.ts';
import { busiestSecond, framesHeard } from '../../bench/storm/hearing.ts';
import { readTimings } from '../../protocol/timings.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';
import { scaleSettings, timeLimits } from '../support/time-limits.ts';

/**
 * A machine that runs other tests needs minutes for what AWS does in seconds. Disconnected users must not time out
 * meanwhile.
 */
const settings = scaleSettings({
  PRESENCE_UPDATE_SECONDS: '60',
  HEARTBEAT_TIMEOUT_SECONDS: '60',
  AWAY_AFTER_SECONDS: '600',
  RECONNECT_GRACE_SECONDS: '110',
});
const { heartbeatMillis, batchMillis } = readTimings(settings);

/**
 * The default quota of requests per second of an AWS account:
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
 */
const quotaPerSecond = 10_000;
const mergedAbove = 50;
/** Several joins in each window, so that there is something to merge. */
const arrivalsPerSecond = 30;

const sum = (numbers: number[]) => numbers.reduce((total, one) => total + one, 0);

/**
 * The tests of a room whose members all join at once and all return at once.
 *
 * @param members more than fifty, because only then joins are merged in windows.
 * @param titles titles of the two tests, with the ids of the rules.
 */
export function testJoinStorm(members: number, titles: { fills: string; returns: string }): void {
  const withinMillis = (members / arrivalsPerSecond) * 1000;
  let stack: TestStack;
  let crowd: Crowd;

  beforeAll(async () => {
    stack = await startTestStack(settings);
    crowd = await Crowd.gather({ venue: stack, members, heartbeatMillis });
  });
  afterAll(async () => {
    crowd?.end();
    await stack.close();
  });

  /** The largest number of posts in one second, of those since `from`. */
  function busiestSecondAtTheGateway(from: number): number {
    const seconds = new Map<number, number>();
    for (const { at } of stack.posts.posts.slice(from)) {
      const second = Math.floor(at / 1000);
      seconds.set(second, (seconds.get(second) ?? 0) + 1);
    }
    return Math.max(0, ...seconds.values());
  }

  test(titles.fills, async () => {
    const { heard, wholeMillis } = await crowd.arrive(withinMillis, timeLimits.test);
    expect(crowd.isComplete).toBe(true);
    expect(heard.flatMap(({ oddities }) => oddities)).toEqual([]);
    expect(sum(heard.map(({ leaves }) => leaves))).toBe(0);
    expect(sum(heard.map(({ joins }) => joins))).toBeGreaterThan(members);
    // The joins of the first fifty members are announced at once; later ones are merged in windows.
    const diffs = heard.map(({ frames }) => frames.get('presence_diff') ?? 0);
    const windows = Math.ceil(wholeMillis / batchMillis);
    expect(Math.max(...diffs)).toBeLessThanOrEqual(mergedAbove + windows);
    // On a busy machine the joins may take so long that few of them share a window.
    const unmerged = (members * (members - 1)) / 2;
    expect(framesHeard(heard, 'presence_diff')).toBeLessThan(Math.max(unmerged, members * windows));
    expect(busiestSecond(heard)).toBeLessThan(quotaPerSecond);
    expect(busiestSecondAtTheGateway(0)).toBeLessThan(quotaPerSecond);
  });

  test(titles.returns, async () => {
    const before = stack.posts.posts.length;
    crowd.cut();
    const { heard } = await crowd.arrive(withinMillis, timeLimits.test);
    expect(crowd.isComplete).toBe(true);
    expect(heard.flatMap(({ oddities }) => oddities)).toEqual([]);
    expect(sum(heard.map(({ leaves }) => leaves))).toBe(0);
    expect(sum(heard.map(({ joins }) => joins))).toBe(0);
    expect(busiestSecondAtTheGateway(before)).toBeLessThan(quotaPerSecond);
  });
}
