import type { Timings } from '../protocol/timings.ts';
import { handlerNames, handlers } from './handlers.ts';
import type { Sizes } from './settings.ts';

/** Quotas of a new account and region. The first two can be raised. */
const defaultQuotas = { requestsPerSecond: 10_000, concurrentRuns: 1_000 };
/** AWS keeps this many concurrent runs unreserved. */
const unreservedRuns = 100;
/** Each execution environment holds at most this many connections to PostgreSQL. */
const connectionsOfRun = 2;
/** The connections that an instance accepts, rounded down. */
const acceptedConnections = { micro: 100, small: 190, medium: 400 } as const;
/** The ECPU of a script, with the same assumption as the computed prices. */
const ecpuOfScript = 3;
/** Cursors wait at most this long, in seconds (rule CO4). */
const longestThinningSeconds = 30;

/**
 * Refuses sizes and settings that cannot work together (rule CO5).
 *
 * @throws Error with one sentence that says what to change.
 */
export function refuseImpossible(sizes: Sizes, timings: Timings, ownsDatabase = true): void {
  const { concurrency, webSocketThrottle, cache, database, quotas } = sizes;
  const { requestsPerSecond, concurrentRuns } = { ...defaultQuotas, ...quotas };
  const reserved = sumOf(concurrency, handlerNames);
  const connections =
    connectionsOfRun *
    sumOf(
      concurrency,
      // `default` is in the network for Redis only.
      handlerNames.filter((name) => handlers[name].inNetwork && name !== 'default'),
    );
  const accepted = acceptedConnections[database.size];
  const ecpu = webSocketThrottle.rateLimit * ecpuOfScript;
  const leastPosts = Math.ceil(timings.maxParticipants / longestThinningSeconds);
  const problems: [impossible: boolean, sentence: string][] = [
    [
      webSocketThrottle.rateLimit > requestsPerSecond,
      `webSocketThrottle.rateLimit is ${webSocketThrottle.rateLimit}, but the account serves ${requestsPerSecond} requests a second, posts included: lower it, or ask AWS for more and set quotas.requestsPerSecond.`,
    ],
    [
      reserved + unreservedRuns > concurrentRuns && concurrency !== undefined,
      `The functions reserve ${reserved} concurrent runs and AWS keeps ${unreservedRuns}, but the account has ${concurrentRuns}: lower concurrency, or ask AWS for more and set quotas.concurrentRuns.`,
    ],
    [
      ownsDatabase && connections > accepted,
      `The functions may open ${connections} connections, but PostgreSQL on t4g.${database.size} accepts about ${accepted}: lower concurrency, or choose a larger database.size.`,
    ],
    [
      ecpu > cache.maximumEcpuPerSecond,
      `The stage accepts ${webSocketThrottle.rateLimit} messages a second, which need ${ecpu} ECPU a second in Redis, but cache.maximumEcpuPerSecond is ${cache.maximumEcpuPerSecond}: raise it, or lower webSocketThrottle.rateLimit.`,
    ],
    [
      timings.sessionPostsPerSecond < leastPosts,
      `SESSION_POSTS_PER_SECOND is ${timings.sessionPostsPerSecond}, but a session of ${timings.maxParticipants} participants needs ${leastPosts}, or its cursors wait longer than ${longestThinningSeconds} seconds: raise it, or lower MAX_PARTICIPANTS.`,
    ],
  ];
  for (const [impossible, sentence] of problems) if (impossible) throw new Error(sentence);
}

function sumOf(concurrency: Sizes['concurrency'], names: readonly (keyof NonNullable<Sizes['concurrency']>)[]): number {
  return names.reduce((sum, name) => sum + (concurrency?.[name] ?? 0), 0);
}
