import { metricUnits } from '../../protocol/metrics.ts';

/** What the metrics of an environment write to standard output, with a namespace of the stack. */
async function writtenBy(measure: (metrics: typeof import('../../lambdas/platform/metrics.ts').metrics) => void) {
  const written: string[] = [];
  const spy = jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
    written.push(String(text));
    return true;
  });
  const before = process.env;
  process.env = { ...before, METRICS_NAMESPACE: 'Rollcall/mine', AWS_LAMBDA_FUNCTION_NAME: 'mine-cursor' };
  delete process.env['POWERTOOLS_METRICS_DISABLED'];
  try {
    await jest.isolateModulesAsync(async () => {
      const { metrics } = await import('../../lambdas/platform/metrics.ts');
      measure(metrics);
    });
  } finally {
    process.env = before;
    spy.mockRestore();
  }
  return written.map((line) => JSON.parse(line));
}

test('a line is in the embedded metric format, and its only dimension is the service', async () => {
  const lines = await writtenBy((metrics) => {
    metrics.add('posts', 5);
    metrics.note('deliveryLatency', 12);
    metrics.note('deliveryLatency', 13.5);
    metrics.flush();
  });
  expect(lines).toEqual([
    {
      _aws: {
        Timestamp: expect.any(Number),
        CloudWatchMetrics: [
          {
            Namespace: 'Rollcall/mine',
            Dimensions: [['service']],
            Metrics: expect.arrayContaining([
              { Name: 'posts', Unit: 'Count' },
              { Name: 'deliveryLatency', Unit: 'Milliseconds' },
            ]),
          },
        ],
      },
      service: 'rollcall',
      function: 'mine-cursor',
      posts: 5,
      deliveryLatency: [12, 13.5],
    },
  ]);
});

test('every metric can be written, in one line of less than 4 KB even with many values', async () => {
  const names = Object.keys(metricUnits) as (keyof typeof metricUnits)[];
  const [line, ...more] = await writtenBy((metrics) => {
    for (const name of names) metrics.note(name, 1);
    for (let value = 0; value < 500; value += 1) metrics.note('averageLatency', 1.234);
    metrics.writeAll();
  });
  expect(more).toEqual([]);
  expect(Object.keys(line)).toEqual(expect.arrayContaining(names));
  expect(JSON.stringify(line).length).toBeLessThan(4096);
});
