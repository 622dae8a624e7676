import { inParallel } from '../platform/in-parallel.ts';
import type { Attempt, WebhookBatch, WebhookBatchResult } from './attempt.ts';
import { type PostOptions, WebhookPoster } from './post-webhook.ts';

/** How many requests to one endpoint are open at the same time. */
const parallelRequests = 10;
/** No request begins after this time, so that the sender answers before its own time limit. */
export const beginWithinMillis = 15_000;

/** Posts the requests for one endpoint. Those that could not begin in time are left out of the result. */
export async function postBatch(
  { requests }: WebhookBatch,
  options: PostOptions,
  clock: () => number,
): Promise<WebhookBatchResult> {
  const until = clock() + beginWithinMillis;
  const poster = new WebhookPoster(options, parallelRequests);
  const attempts: Attempt[] = [];
  try {
    await inParallel(requests, parallelRequests, async (request) => {
      if (clock() < until) attempts.push(await poster.post(request));
    });
  } finally {
    poster.close();
  }
  return { attempts };
}
