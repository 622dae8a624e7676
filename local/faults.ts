import { setTimeout as pause } from 'node:timers/promises';

/** The faults that the local stack injects. Probabilities are from 0 to 1. */
export interface FaultSettings {
  /** Seed of the random sequence: the same seed and the same calls give the same faults. */
  seed: number;
  /** Probability that a `$disconnect` is lost, and that it is delivered twice. */
  loseDisconnect: number;
  doubleDisconnect: number;
  /** Probability that a post to a live connection is answered 410, and that it is answered 429. */
  gone: number;
  throttle: number;
  /** Delay of every post, and of every new execution environment. */
  slowPostMillis: number;
  coldStartMillis: number;
  /** Probability that an environment is killed in the middle of an event or shortly after it. */
  killEnvironment: number;
}

const noFaults: FaultSettings = {
  seed: 1,
  loseDisconnect: 0,
  doubleDisconnect: 0,
  gone: 0,
  throttle: 0,
  slowPostMillis: 0,
  coldStartMillis: 0,
  killEnvironment: 0,
};

/** The longest time between the start of an event and the kill of its environment. */
const killWithinMillis = 20;

/** Chooses the next fault, in a reproducible way. */
export class Faults {
  #settings = noFaults;
  #random = randomSequence(noFaults.seed);

  constructor(settings: Partial<FaultSettings> = {}) {
    this.set(settings);
  }

  get settings(): FaultSettings {
    return this.#settings;
  }

  /**
   * Replaces all settings and restarts the sequence. A setting without a value is off.
   *
   * @throws Error for an unknown or invalid setting.
   */
  set(settings: Partial<FaultSettings>): void {
    for (const [name, value] of Object.entries(settings)) {
      if (!(name in noFaults))
        throw new Error(`The fault "${name}" is unknown; use ${Object.keys(noFaults).join(', ')}.`);
      if (typeof value !== 'number' || !(value >= 0))
        throw new Error(`The fault ${name} is ${JSON.stringify(value)}; set it to a number of 0 or more.`);
    }
    this.#settings = { ...noFaults, ...settings };
    this.#random = randomSequence(this.#settings.seed);
  }

  /** How often the next `$disconnect` is delivered: once, or not at all (0) or twice (2) as a fault. */
  disconnectDeliveries(): 0 | 1 | 2 {
    if (this.#happens(this.#settings.loseDisconnect)) return 0;
    return this.#happens(this.#settings.doubleDisconnect) ? 2 : 1;
  }

  /** The status with which the next post is refused, or undefined. */
  postRefusal(): 410 | 429 | undefined {
    if (this.#happens(this.#settings.gone)) return 410;
    return this.#happens(this.#settings.throttle) ? 429 : undefined;
  }

  get slowPostMillis(): number {
    return this.#settings.slowPostMillis;
  }

  async coldStart(): Promise<void> {
    if (this.#settings.coldStartMillis > 0) await pause(this.#settings.coldStartMillis);
  }

  /** Milliseconds after which the environment of the next event is killed, or undefined. */
  killEnvironment(): number | undefined {
    return this.#happens(this.#settings.killEnvironment) ? this.#random() * killWithinMillis : undefined;
  }

  #happens(probability: number): boolean {
    return probability > 0 && this.#random() < probability;
  }
}

/** Parses `ROLLCALL_FAULTS`. @throws Error with one sentence if it is not JSON. */
export function readFaults(text: string | undefined): Partial<FaultSettings> {
  if (!text) return {};
  try {
    return JSON.parse(text) as Partial<FaultSettings>;
  } catch (error) {
    throw new Error('ROLLCALL_FAULTS is not JSON; write it like {"seed":1,"gone":0.1}.', { cause: error });
  }
}

/** A generator of numbers from 0 to 1 with this seed (mulberry32). */
function randomSequence(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
