import { assumed, awsPrices } from './prices.ts';
import { logLineBytes } from './request-bytes.ts';

/**
 * What is assumed of webhooks: how long a receiver takes to answer, how long each of the two functions runs besides that, their memory, and
 * how many requests to one endpoint are open at the same time.
 */
export const assumedWebhooks = { answerSeconds: 0.1, runSeconds: 0.06, memoryGb: 0.25, parallelRequests: 10 } as const;
/** What is assumed of an agent: how often its program renews it, the scripts of a renewal, and its writes into DynamoDB: the table and an index. */
export const assumedAgents = { renewSeconds: 30, scripts: 3, writes: 2 } as const;
/** A deployment with an endpoint has so many metrics of webhooks. */
export const webhookMetrics = 5;

const million = 1e6;
const gigabyte = 1e9;

/**
 * The runs that send webhooks and their time, US dollars. Their bytes are left out.
 *
 * @param ofBatch how many events go out together. One is the dearest.
 */
export function webhookDollars(webhooks: number, ofBatch = 1): number {
  const { answerSeconds, runSeconds, memoryGb, parallelRequests } = assumedWebhooks;
  const sender = Math.ceil(ofBatch / parallelRequests) * answerSeconds + runSeconds;
  // The sweep waits for the sender.
  const gbSeconds = (sender + (sender + runSeconds)) * memoryGb;
  const batch = (2 / million) * awsPrices.perMillionInvocations + gbSeconds * awsPrices.perGbSecond;
  return (webhooks / ofBatch) * batch;
}

/** How often agents are renewed in so many hours. */
export const renewalsOf = (agents: number, hours: number) => (agents * hours * 3600) / assumedAgents.renewSeconds;

/** Renewals that change nothing that others see, US dollars. */
export function agentDollars(renewals: number): number {
  const p = awsPrices;
  const { scripts, writes } = assumedAgents;
  const perMillion =
    p.perMillionHttpRequests +
    p.perMillionInvocations +
    assumed.runSeconds * assumed.memoryGb * p.perGbSecond * million +
    scripts * assumed.ecpuOfScript * p.perMillionEcpu +
    writes * p.perMillionWrites +
    ((logLineBytes() * million) / gigabyte) * p.perLogGb;
  return (renewals / million) * perMillion;
}
