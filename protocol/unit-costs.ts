/**
 * What one message costs on AWS, in millionths of a US dollar, with everything that it causes: list prices of us-east-1, 2026-11-29.
 * `test/scripts/cost.test.ts` compares these sums with the bill of `npm run cost`.
 */
export const unitCosts = {
  /** A message of a client: the message 1.00, the run 0.20 with 20 ms at 1 GB 0.27, its log line 0.12, Redis 0.01. */
  received: 1.6,
  /** A message to a client: the message 1.00, the request through the NAT gateway 0.09, the data 0.01. */
  posted: 1.1,
} as const;

/** Received messages may cost this share of the bound of the bill; the rest is for posts. */
const receivedShare = 0.5;
/** With fewer messages a second in the whole service, even a small session does not work. */
const leastMessagesPerSecond = 20;

/** How many messages a second, each with an answer, half of a bound of the bill pays. */
export function messagesPerSecondWithin(dollarsPerHour: number): number {
  return Math.floor((dollarsPerHour * receivedShare * 1e6) / 3600 / (unitCosts.received + unitCosts.posted));
}

/** The least bound of the bill that can work, in dollars an hour. */
export const leastDollarsPerHour =
  Math.ceil((100 * leastMessagesPerSecond * 3600 * (unitCosts.received + unitCosts.posted)) / receivedShare / 1e6) /
  100;
