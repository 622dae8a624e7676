/** How a run of `npm run chaos` divides its time. */
export interface RunTimes {
  /** The durations of the product. */
  settings: Record<string, string>;
  gatherMillis: number;
  phaseMillis: number;
  /** How long a store is away. */
  interruptionMillis: number;
  phasesPerComparison: number;
  /** For all phases with the comparisons between them. */
  phasesMillis: number;
  /** How long a run waits for the release of slots after lost leaves. */
  slotsWaitMillis: number;
  slotsLimitMillis: number;
  restLimitMillis: number;
}

const longest = { offlineSeconds: 30, gatherMillis: 60_000, phaseMillis: 25_000, interruptionMillis: 5000 };
const leastOfflineSeconds = 10;
/** The number of phases in which a store is away; they are longer by that time. */
const outages = 2;
const usualPhasesPerComparison = 5;
/** The time of a comparison: the announcement of the last leave (rule PR12), and the comparison itself. */
const comparisonMillis = 10_000;
/** Only long runs wait for lost slots, because the sweep releases them after minutes. */
const slotsLimitMillis = 150_000;
/** From this length on, the phases have their full length. */
const longRunMillis = 6 * 60_000;

/**
 * A run ends after about the given time. A short run has short phases and short durations of the product, so that each kind of fault
 * occurs and the views can be compared.
 *
 * @param minutes the length of the whole run.
 * @param phases the number of kinds of faults.
 */
export function divideRun(minutes: number, phases: number): RunTimes {
  const totalMillis = minutes * 60_000;
  const isLong = totalMillis >= longRunMillis;
  const offlineSeconds = clamp(totalMillis / 6000, leastOfflineSeconds, longest.offlineSeconds);
  const restMillis = offlineSeconds * 1000 + comparisonMillis;
  const gatherMillis = Math.min(longest.gatherMillis, 0.15 * totalMillis);
  const phasesMillis = Math.max(0, totalMillis - gatherMillis - restMillis);
  const phaseMillis = clamp(phasesMillis / (phases + outages), 1000, longest.phaseMillis);
  return {
    settings: {
      PRESENCE_UPDATE_SECONDS: String(offlineSeconds / 2),
      HEARTBEAT_TIMEOUT_SECONDS: String(offlineSeconds / 2),
      AWAY_AFTER_SECONDS: '60',
      RECONNECT_GRACE_SECONDS: String(offlineSeconds / 5),
      CLEANUP_INTERVAL_MINUTES: '1',
    },
    gatherMillis,
    phaseMillis,
    interruptionMillis: Math.min(longest.interruptionMillis, 0.6 * phaseMillis),
    phasesPerComparison: isLong ? usualPhasesPerComparison : phases,
    phasesMillis,
    slotsWaitMillis: isLong ? slotsLimitMillis : 0,
    slotsLimitMillis,
    restLimitMillis: 2 * restMillis + (isLong ? slotsLimitMillis : 0),
  };
}

const clamp = (value: number, least: number, most: number) => Math.min(most, Math.max(least, value));
