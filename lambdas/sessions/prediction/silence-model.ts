/** The number of equal steps into which the timeout of a session is divided. */
export const silenceSteps = 12;

/**
 * How earlier silences ended. A silence begins when the last person leaves a session. It ends when somebody joins, or with the
 * expiry.
 */
export interface SilenceHistory {
  /** By step: silences that ended in it because somebody came back. */
  returned: readonly number[];
  /** Silences that lasted until the session expired. */
  lost: number;
}

/** The estimate for one silence. */
export interface SilenceEstimate {
  /** The probability that nobody comes back before the session expires, from 0 to 1. */
  probability: number;
  /** How many earlier silences lasted at least as long as this one has. */
  evidence: number;
  /** Whether the participants may be warned now. */
  isSure: boolean;
}

/** The least probability, and the least number of earlier silences, for an early warning. */
const sureProbability = 0.9;
const sureEvidence = 5;
/** The assumption about an unknown owner: in each step one of eight silences ends. It counts like one silence. */
const assumedSilences = 1;
const assumedHazard = 1 / 8;

export const noHistory: SilenceHistory = { returned: Array(silenceSteps).fill(0), lost: 0 };

/**
 * The probability that a silent session stays silent until its expiry.
 *
 * The hazard of a step is a share: of the earlier silences that had lasted until this step, those that ended in it. The silence has to
 * last through all steps that are left. So the probability is the product of one minus each of their hazards.
 *
 * @param age how much of the timeout is over, from 0 to 1.
 */
export function estimateSilence({ returned, lost }: SilenceHistory, age: number): SilenceEstimate {
  const place = Math.min(Math.max(age, 0), 1) * silenceSteps;
  const now = Math.min(Math.floor(place), silenceSteps - 1);
  let probability = 1;
  let atRisk = lost;
  for (let step = silenceSteps - 1; step >= now; step -= 1) {
    const ended = returned[step] ?? 0;
    atRisk += ended;
    const hazard = (ended + assumedSilences * assumedHazard) / (atRisk + assumedSilences);
    // Of the present step only the rest is left.
    const left = step === now ? Math.min(1, now + 1 - place) : 1;
    probability *= (1 - hazard) ** left;
  }
  // A silence that ended in the present step did not certainly last as long as this one.
  const evidence = atRisk - (returned[now] ?? 0);
  return { probability, evidence, isSure: probability >= sureProbability && evidence >= sureEvidence };
}
