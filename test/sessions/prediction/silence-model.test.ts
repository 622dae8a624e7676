import {
  estimateSilence,
  noHistory,
  type SilenceHistory,
  silenceSteps,
} from '../../../lambdas/sessions/prediction/silence-model.ts';
import { SeededRandom } from '../../harness/seeded-random.ts';

const history = (lost: number, returned: Record<number, number> = {}): SilenceHistory => ({
  returned: noHistory.returned.map((_, step) => returned[step] ?? 0),
  lost,
});

test('[SE16] without a history nothing is sure, however long the silence is', () => {
  for (let age = 0; age <= 1; age += 0.01) expect(estimateSilence(noHistory, age).isSure).toBe(false);
});

test('[SE16] if nobody ever came back the model is sure at once, and if somebody always came back it is not', () => {
  expect(estimateSilence(history(20), 1 / silenceSteps)).toMatchObject({ isSure: true, evidence: 20 });
  expect(estimateSilence(history(0, { 10: 20 }), 9 / silenceSteps).isSure).toBe(false);
  expect(estimateSilence(history(0, { 10: 20 }), 9 / silenceSteps).probability).toBeLessThan(0.1);
});

test('[SE16] a few silences are no evidence', () => {
  expect(estimateSilence(history(4), 11 / silenceSteps).isSure).toBe(false);
  expect(estimateSilence(history(5), 11 / silenceSteps).isSure).toBe(true);
});

test('[SE16] the longer a silence lasts, the likelier it is to last, whatever the history', () => {
  for (let seed = 1; seed <= 50; seed += 1) {
    const random = SeededRandom.mixed(seed);
    const random20 = () => random.below(20);
    const some: SilenceHistory = { returned: noHistory.returned.map(random20), lost: random20() };
    let last = 0;
    for (let age = 0; age < 1; age += 0.005) {
      const { probability } = estimateSilence(some, age);
      expect(probability).toBeGreaterThanOrEqual(last);
      expect(probability).toBeLessThanOrEqual(1);
      last = probability;
    }
  }
});

test('[SE16] with many silences the probability is a share: of those that lasted as long as this one, those that lasted until the expiry', () => {
  const many = history(3000, { 1: 4000, 6: 2000, 9: 1000 });
  expect(estimateSilence(many, 0).probability).toBeCloseTo(0.3, 2);
  expect(estimateSilence(many, 2 / silenceSteps).probability).toBeCloseTo(0.5, 2);
  expect(estimateSilence(many, 7 / silenceSteps).probability).toBeCloseTo(0.75, 2);
  expect(estimateSilence(many, 10 / silenceSteps).probability).toBeCloseTo(1, 2);
});
