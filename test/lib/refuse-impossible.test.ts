import { refuseImpossible } from '../../lib/refuse-impossible.ts';
import { type Sizes, sizes } from '../../lib/settings.ts';
import { throttlesWithin } from '../../lib/throttles.ts';
import { readTimings } from '../../protocol/timings.ts';
import { leastDollarsPerHour, messagesPerSecondWithin, unitCosts } from '../../protocol/unit-costs.ts';
import { createStack, SynthesizedTemplate } from './support.ts';

const { dev, prod } = sizes;
const check = (changes: Partial<Sizes>, settings: Record<string, string> = {}) =>
  refuseImpossible({ ...prod, ...changes }, readTimings(settings));

test.each([dev, prod])('[CO5] the sizes of the product can work', (own) => {
  expect(() => refuseImpossible(own, readTimings({}))).not.toThrow();
});

test.each<[what: string, changes: Partial<Sizes>, settings: Record<string, string>, sentence: string]>([
  [
    'more requests than the account serves',
    { webSocketThrottle: { rateLimit: 20_000, burstLimit: 5_000 } },
    {},
    'webSocketThrottle.rateLimit is 20000, but the account serves 10000 requests a second, posts included: lower it, or ask AWS for more and set quotas.requestsPerSecond.',
  ],
  [
    'more reserved runs than the account has',
    { quotas: { concurrentRuns: 400 } },
    {},
    'The functions reserve 329 concurrent runs and AWS keeps 100, but the account has 400: lower concurrency, or ask AWS for more and set quotas.concurrentRuns.',
  ],
  [
    'more connections than PostgreSQL accepts',
    { database: dev.database },
    {},
    'The functions may open 386 connections, but PostgreSQL on t4g.micro accepts about 100: lower concurrency, or choose a larger database.size.',
  ],
  [
    'more messages than Redis may serve',
    { cache: { maximumGb: 1, maximumEcpuPerSecond: 5_000 } },
    {},
    'The stage accepts 4000 messages a second, which need 12000 ECPU a second in Redis, but cache.maximumEcpuPerSecond is 5000: raise it, or lower webSocketThrottle.rateLimit.',
  ],
  [
    'fewer posts than a full session needs',
    {},
    { SESSION_POSTS_PER_SECOND: '10', MAX_PARTICIPANTS: '600' },
    'SESSION_POSTS_PER_SECOND is 10, but a session of 600 participants needs 20, or its cursors wait longer than 30 seconds: raise it, or lower MAX_PARTICIPANTS.',
  ],
])('[CO5] %s are refused in one sentence', (_, changes, settings, sentence) => {
  expect(() => check(changes, settings)).toThrow(new Error(sentence));
});

test('[CO5] a raised quota permits more', () => {
  const webSocketThrottle = { rateLimit: 20_000, burstLimit: 5_000 };
  expect(() => check({ webSocketThrottle, quotas: { requestsPerSecond: 50_000 } })).not.toThrow();
});

test('[CO5] a bound that pays for too few messages is refused at the synthesis', () => {
  expect(() => createStack('dev', { MAX_DOLLARS_PER_HOUR: '0.1' })).toThrow(
    `MAX_DOLLARS_PER_HOUR is 0.1, which pays for 5 messages a second; set it to at least ${leastDollarsPerHour}, or leave it out.`,
  );
  expect(messagesPerSecondWithin(leastDollarsPerHour)).toBeGreaterThanOrEqual(20);
});

describe('[CO4] the limits of the stage', () => {
  test('are those of the sizes without a bound', () => {
    expect(throttlesWithin(prod.webSocketThrottle, undefined)).toEqual({ stage: prod.webSocketThrottle, routes: {} });
  });

  test.each([0.5, 5, 50, 500])('let clients spend at most half of a bound of $%d, whatever they send', (bound) => {
    const { stage, routes } = throttlesWithin(prod.webSocketThrottle, bound);
    const all = [stage, ...Object.values(routes)].reduce((sum, { rateLimit }) => sum + rateLimit, 0);
    expect((all * 3600 * (unitCosts.received + unitCosts.posted)) / 1e6).toBeLessThanOrEqual(bound * 0.52);
    expect(all).toBeLessThanOrEqual(prod.webSocketThrottle.rateLimit);
    expect(stage.rateLimit).toBeGreaterThanOrEqual(1);
  });

  test('of frequent routes are separate in the template, which makes these routes first', () => {
    const template = new SynthesizedTemplate('dev', { MAX_DOLLARS_PER_HOUR: '5' });
    const { stage, routes } = throttlesWithin(dev.webSocketThrottle, 5);
    const [, resource] = template
      .ofType('AWS::ApiGatewayV2::Stage')
      .find(([, { Properties }]) => Properties['StageName'] === 'live')!;
    const { RouteSettings, DefaultRouteSettings } = resource.Properties as Record<string, Record<string, object>>;
    expect(DefaultRouteSettings).toMatchObject({ ThrottlingRateLimit: stage.rateLimit });
    expect(Object.keys(RouteSettings!)).toEqual(Object.keys(routes));
    expect(RouteSettings!['cursor_update']).toEqual({
      ThrottlingRateLimit: routes['cursor_update']!.rateLimit,
      ThrottlingBurstLimit: routes['cursor_update']!.burstLimit,
    });
    const limited = template
      .ofType('AWS::ApiGatewayV2::Route')
      .filter(([, { Properties }]) => String(Properties['RouteKey']) in RouteSettings!)
      .map(([id]) => id);
    expect(limited).toHaveLength(4);
    expect(resource.DependsOn).toEqual(expect.arrayContaining(limited));
  });
});
