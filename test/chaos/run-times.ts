/** How a run of `npm run chaos` divides the time that it was given. */
export interface RunTimes {
  /** Durations of the product. */
  settings: Record<string, string>;
  gatherMillis: number;
  weatherMillis: number;
  /** How long a store is away. */
  interruptionMillis: number;
  weathersPerQuietPoint: number;
  /** For all weathers, with the quiet points between them. */
  troubleMillis: number;
  /** How long a run waits for places whose departure was lost. */
  placesWaitMillis: number;
  placesLimitMillis: number;
  restLimitMillis: number;
}

const longest = { offlineSeconds: 30, gatherMillis: 60_000, weatherMillis: 25_000, interruptionMillis: 5000 };
const leastOfflineSeconds = 10;
/** A weather in which a store is away lasts longer by that time; there are two. */
const outages = 2;
const usualWeathersPerQuietPoint = 5;
/** At a quiet point: the announcement of the last leave (rule PR12), and the comparison itself. */
const comparisonMillis = 10_000;
/** Only long runs wait for lost places: the sweep gives them back after minutes. */
const placesLimitMillis = 150_000;
/** From this length on, the weathers are as long as they ever are. */
const longRunMillis = 6 * 60_000;

/**
 * A run ends after about the given time. A short run has short weathers and short durations of the product, so that each
 * kind of trouble comes and the rooms can come to rest.
 *
 * @param minutes the length of the whole run.
 * @param weathers how many kinds of trouble there are.
 */
export function divideRun(minutes: number, weathers: number): RunTimes {
  const totalMillis = minutes * 60_000;
  const isLong = totalMillis >= longRunMillis;
  const offlineSeconds = clamp(totalMillis / 6000, leastOfflineSeconds, longest.offlineSeconds);
  const restMillis = offlineSeconds * 1000 + comparisonMillis;
  const gatherMillis = Math.min(longest.gatherMillis, 0.15 * totalMillis);
  const troubleMillis = Math.max(0, totalMillis - gatherMillis - restMillis);
  const weatherMillis = clamp(troubleMillis / (weathers + outages), 1000, longest.weatherMillis);
  return {
    settings: {
      PRESENCE_UPDATE_SECONDS: String(offlineSeconds / 2),
      HEARTBEAT_TIMEOUT_SECONDS: String(offlineSeconds / 2),
      AWAY_AFTER_SECONDS: '60',
      RECONNECT_GRACE_SECONDS: String(offlineSeconds / 5),
      CLEANUP_INTERVAL_MINUTES: '1',
    },
    gatherMillis,
    weatherMillis,
    interruptionMillis: Math.min(longest.interruptionMillis, 0.6 * weatherMillis),
    weathersPerQuietPoint: isLong ? usualWeathersPerQuietPoint : weathers,
    troubleMillis,
    placesWaitMillis: isLong ? placesLimitMillis : 0,
    placesLimitMillis,
    restLimitMillis: 2 * restMillis + (isLong ? placesLimitMillis : 0),
  };
}

const clamp = (value: number, least: number, most: number) => Math.min(most, Math.max(least, value));
