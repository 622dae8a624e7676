/**
 * List prices in US dollars. AWS: us-east-1, read on 2026-11-29. Free tiers, discounts and tax are left out.
 */
export const awsPrices = {
  /** API Gateway, WebSocket messages in both directions, each begun 32 KB; the first billion of a month, and the rest. */
  perMillionMessages: { first: 1.0, rest: 0.8, firstMillions: 1000 },
  perMillionConnectionMinutes: 0.25,
  perMillionInvocations: 0.2,
  /** Lambda on arm64. */
  perGbSecond: 0.0000133334,
  /** ElastiCache Serverless for Valkey. */
  perMillionEcpu: 0.0023,
  /** What a NAT gateway processes, in both directions. */
  perNatGb: 0.045,
  /** Data to the internet, the first ten terabytes. */
  perInternetGb: 0.09,
  /** What CloudWatch Logs takes in. */
  perLogGb: 0.5,
  /** API Gateway, HTTP API, the first 300 million of a month. This price and the next are of 2024-11, not read again since. */
  perMillionHttpRequests: 1.0,
  /** DynamoDB on demand: writes of up to 1 KB. */
  perMillionWrites: 0.625,
  /** CloudWatch: a metric of one's own, a month. */
  perMetric: 0.3,
} as const;

/** Assumptions, because only AWS can show them: how long a run takes besides waits, and ECPU of a script. */
export const assumed = { runSeconds: 0.02, memoryGb: 1, ecpuOfScript: 3 } as const;

/** Where a price of another provider comes from. */
interface Source {
  page: string;
  read: string;
}

/** A provider that bills messages, each delivery included, and connection minutes. */
export const ably = {
  perMillionMessages: 2.5,
  perMillionConnectionMinutes: 1.0,
  source: { page: 'https://ably.com/pricing', read: '2026-11' } satisfies Source,
};

/** A provider that bills monthly active users: the size of a plan and its price. */
export const pubNub = {
  plans: [
    [1_000, 98],
    [5_000, 370],
    [10_000, 550],
    [25_000, 1_130],
  ] as const,
  source: { page: 'https://www.pubnub.com/pricing', read: '2026-05' } satisfies Source,
};
