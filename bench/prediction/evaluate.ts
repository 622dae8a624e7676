import {
  estimateSilence,
  noHistory,
  type SilenceHistory,
  silenceSteps,
} from '../../lambdas/sessions/prediction/silence-model.ts';
import { Random } from '../random.ts';
import type { OwnerKind, Silence } from './simulated-owners.ts';

export const timeoutMinutes = 60;
export const fixedLeadMinutes = 5;
/** As in the product: the last sessions of an owner count, and the silences of the session itself count once more. */
const rememberedSessions = 20;

/** What happened with the silences of one owner. */
export interface Outcome {
  expiries: number;
  /** Early warnings that came true, and those after which somebody came back. */
  right: number;
  wrong: number;
  /** How long before the expiry those warnings came that came true, minutes. */
  leads: number[];
  /** Warnings of the fixed rule: five minutes before the expiry. */
  fixedRight: number;
  fixedWrong: number;
  /** The sum of the squared errors of the probabilities, and how many there were. */
  squaredErrors: number;
  looks: number;
}

/** Lets the model look at each silence of an owner, step by step, as the sweep does. It knows only what was before. */
export function evaluateOwner(kind: OwnerKind, seed: number): Outcome {
  const random = new Random(seed);
  const outcome = { expiries: 0, right: 0, wrong: 0, fixedRight: 0, fixedWrong: 0, squaredErrors: 0, looks: 0 };
  const leads: number[] = [];
  const sessions: Silence[][] = [];
  for (let session = 0; session < kind.sessions; session += 1) {
    const own: Silence[] = [];
    sessions.push(own);
    for (const silence of kind.silences(random)) {
      const isLost = silence >= timeoutMinutes;
      const history = historyOf(sessions.slice(-rememberedSessions), own);
      const warnedAt = look(history, silence, (error) => {
        outcome.squaredErrors += error ** 2;
        outcome.looks += 1;
      });
      if (isLost) outcome.expiries += 1;
      if (warnedAt !== undefined && isLost) leads.push(timeoutMinutes - warnedAt);
      if (warnedAt !== undefined) outcome[isLost ? 'right' : 'wrong'] += 1;
      if (silence >= timeoutMinutes - fixedLeadMinutes) outcome[isLost ? 'fixedRight' : 'fixedWrong'] += 1;
      own.push(silence);
      if (isLost) break;
    }
  }
  return { ...outcome, leads };
}

/** The minute of the early warning; undefined if there is none. */
function look(history: SilenceHistory, silence: Silence, note: (error: number) => void): number | undefined {
  let warnedAt: number | undefined;
  for (let step = 1; step < silenceSteps; step += 1) {
    const minute = (step * timeoutMinutes) / silenceSteps;
    if (minute >= silence || minute >= timeoutMinutes - fixedLeadMinutes) break;
    const { probability, isSure } = estimateSilence(history, step / silenceSteps);
    note(probability - (silence >= timeoutMinutes ? 1 : 0));
    if (isSure) warnedAt ??= minute;
  }
  return warnedAt;
}

function historyOf(sessions: readonly Silence[][], own: readonly Silence[]): SilenceHistory {
  const returned = [...noHistory.returned];
  let lost = 0;
  for (const silence of [...sessions.flat(), ...own]) {
    if (silence >= timeoutMinutes) lost += 1;
    else returned[Math.floor((silence / timeoutMinutes) * silenceSteps)]! += 1;
  }
  return { returned, lost };
}
