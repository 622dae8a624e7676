import type { MetricName } from '../../protocol/metrics.ts';
import type { Meter } from '../platform/meter.ts';
import type { Gateway, PostResult } from './gateway.ts';

/** The metric of each result that is worth one. */
const metricOf: Partial<Record<PostResult, MetricName>> = {
  gone: 'postsGone',
  throttled: 'postsThrottled',
  failed: 'postsFailed',
  refused: 'postsFailed',
};

/** Counts the posts of another gateway. Each attempt counts, because each is billed. */
export class MeteredGateway implements Gateway {
  readonly #gateway: Gateway;
  readonly #metrics: Pick<Meter, 'add'>;

  constructor(gateway: Gateway, metrics: Pick<Meter, 'add'>) {
    this.#gateway = gateway;
    this.#metrics = metrics;
  }

  async post(connectionId: string, frame: Uint8Array): Promise<PostResult> {
    const result = await this.#gateway.post(connectionId, frame);
    this.#metrics.add('posts');
    const metric = metricOf[result];
    if (metric) this.#metrics.add(metric);
    return result;
  }
}
