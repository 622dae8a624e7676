import { type Bench, type Measurement, median } from '../measurement.ts';
import { evaluateOwner, fixedLeadMinutes, type Outcome } from '../prediction/evaluate.ts';
import { type OwnerKind, ownerKinds } from '../prediction/simulated-owners.ts';
import { Random } from '../random.ts';

const owners = 200;
const resamples = 400;

const sum = (outcomes: readonly Outcome[], of: (outcome: Outcome) => number) =>
  outcomes.reduce((total, outcome) => total + of(outcome), 0);
/** Percent; not a number if there is nothing to divide by. */
const share = (part: number, whole: number) => (whole === 0 ? Number.NaN : (100 * part) / whole);

const figures: [what: string, unit: string, of: (outcomes: readonly Outcome[]) => number][] = [
  [
    'early: precision',
    '%',
    (all) =>
      share(
        sum(all, (o) => o.right),
        sum(all, (o) => o.right + o.wrong),
      ),
  ],
  [
    'early: recall',
    '%',
    (all) =>
      share(
        sum(all, (o) => o.right),
        sum(all, (o) => o.expiries),
      ),
  ],
  ['early: median lead', 'min', (all) => median(all.flatMap((o) => o.leads))],
  [
    'fixed: precision',
    '%',
    (all) =>
      share(
        sum(all, (o) => o.fixedRight),
        sum(all, (o) => o.fixedRight + o.fixedWrong),
      ),
  ],
  [
    'fixed: recall',
    '%',
    (all) =>
      share(
        sum(all, (o) => o.fixedRight),
        sum(all, (o) => o.expiries),
      ),
  ],
  ['error of the probability (Brier)', '', (all) => sum(all, (o) => o.squaredErrors) / sum(all, (o) => o.looks)],
];

/** The figures of one kind, each with its 95 % interval. Owners are drawn again, because the silences of one owner belong together. */
function measure(kind: OwnerKind, seed: number): Measurement[] {
  const outcomes = Array.from({ length: owners }, (_, index) => evaluateOwner(kind, seed + index));
  const random = new Random(seed);
  const drawn = Array.from({ length: resamples }, () =>
    outcomes.map(() => outcomes[Math.floor(random.next() * outcomes.length)]!),
  );
  const measured = figures.flatMap(([what, unit, of]): Measurement[] => {
    const value = of(outcomes);
    if (Number.isNaN(value)) return [];
    const values = drawn
      .map(of)
      .filter((each) => !Number.isNaN(each))
      .sort((a, b) => a - b);
    const at = (quantile: number) => values[Math.min(values.length - 1, Math.floor(quantile * values.length))]!;
    const name = `${kind.name}, ${what}`;
    return [
      { what: name, value, unit },
      { what: `${name}, 95 % from`, value: at(0.025), unit },
      { what: `${name}, 95 % to`, value: at(0.975), unit },
    ];
  });
  const expiries = { what: `${kind.name}, expiries`, value: sum(outcomes, (o) => o.expiries), unit: '' };
  const warnings = { what: `${kind.name}, early warnings`, value: sum(outcomes, (o) => o.right + o.wrong), unit: '' };
  return [expiries, warnings, ...measured];
}

export const bench: Bench = {
  title: `Early warnings against the fixed rule (${fixedLeadMinutes} minutes before the expiry), ${owners} simulated owners of each kind`,
  async run() {
    return ownerKinds.flatMap((kind, index) => measure(kind, 1000 * (index + 1)));
  },
};
