import { join } from 'node:path';
import { comparisonOf } from '../against.ts';
import { type Built, buildCheckout } from '../cold-start/checkout.ts';
import { startOnce } from '../cold-start/starts.ts';
import { type Bench, type Measurement, median } from '../measurement.ts';

/** Functions for whose start a handshake or a frequent frame waits. */
const functions = ['connect', 'authorizer', 'heartbeat', 'cursor'];
const starts = 20;
const checkout = join(import.meta.dirname, '..', '..');

/** Starts each function of each checkout in turn, so that a slow phase of the machine slows all of them. */
async function measure(flags: string[]): Promise<Measurement[]> {
  const other = comparisonOf(flags, checkout)?.other;
  const sides: [label: string, built: Built][] = [];
  // The old bundles come first, so that the others are compared with them.
  if (other) sides.push([` in ${other}`, await buildCheckout(other)]);
  sides.push(['', await buildCheckout(checkout)]);
  const times = new Map<string, { cpu: number[]; wall: number[] }>();
  // The first round is a warm-up of the file cache.
  for (let round = 0; round <= starts; round++) {
    for (const name of functions) {
      for (const [label, built] of sides) {
        const { cpu, wall } = await startOnce(built.directory(name), built.nodeOptions);
        const own = times.get(name + label) ?? { cpu: [], wall: [] };
        if (round > 0) times.set(name + label, { cpu: [...own.cpu, cpu], wall: [...own.wall, wall] });
      }
    }
  }
  return functions.flatMap((name) => sides.flatMap(([label, built]) => figuresOf(name, label, built)));

  function figuresOf(name: string, label: string, built: Built): Measurement[] {
    const { cpu, wall } = times.get(name + label)!;
    return [
      { what: 'CPU', value: median(cpu), unit: 'ms' },
      { what: 'time', value: median(wall), unit: 'ms' },
      { what: 'code', value: built.bytesAtStart(name) / 1024, unit: 'KB' },
    ].map(({ what, value, unit }) => ({
      ...{ what: `${name}: ${what}${label}`, value, unit },
      ...(other && label === '' ? { comparedWith: `${name}: ${what} in ${other}` } : {}),
    }));
  }
}

export const bench: Bench = {
  title: `Starts of functions: loading the bundle in a new process (median of ${starts})`,
  comparesItself: true,
  run: measure,
};
