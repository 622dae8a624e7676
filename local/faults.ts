import { setTimeout as pause } from 'node:timers/promises';

/** What the emulated cloud does wrong on purpose. Probabilities are from 0 to 1. */
export interface FaultSettings {
  /** Start of the pseudo-random sequence: the same seed and the same calls give the same faults. */
  seed: number;
  /** Probability that a `$disconnect` never comes, and that it comes twice. */
  loseDisconnect: number;
  doubleDisconnect: number;
  /** Probability that a post is answered 410 although the connection lives, and that it is answered 429. */
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

/** A killed environment ends this long after its event began, at most. */
const killWithinMillis = 20;

/** Decides, reproducibly, which fault happens next. */
export class Faults {
  #settings = noFaults;
  #random = randomSequence(noFaults.seed);

  constructor(settings: Partial<FaultSettings> = {}) {
    this.set(settings);
  }

  get settings(): FaultSettings {
    return this.#settings;
  }

  /** Replaces all settings; what is not named is off. The sequence starts again. @throws Error for an unknown or impossible setting. */
  set(settings: Partial<FaultSettings>): void {
    for (const [name, value] of Object.entries(settings)) {
      if (!(name in noFaults)) throw new Error(`There is no fault named "${name}".`);
      if (typeof value !== 'number' || !(value >= 0)) throw new Error(`The fault ${name} must be a number from 0.`);
    }
    this.#settings = { ...noFaults, ...settings };
    this.#random = randomSequence(this.#settings.seed);
  }

  /** How often the next `$disconnect` is delivered: 1 unless it is lost (0) or doubled (2). */
  disconnectDeliveries(): 0 | 1 | 2 {
    if (this.#happens(this.#settings.loseDisconnect)) return 0;
    return this.#happens(this.#settings.doubleDisconnect) ? 2 : 1;
  }

  /** The refusal of the next post, if it is to be refused. */
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

  /** After how many milliseconds the environment of the next event is killed; undefined: it is not. */
  killEnvironment(): number | undefined {
    return this.#happens(this.#settings.killEnvironment) ? this.#random() * killWithinMillis : undefined;
  }

  #happens(probability: number): boolean {
    return probability > 0 && this.#random() < probability;
  }
}

/** Reads `ROLLCALL_FAULTS`. @throws Error with one sentence when it is no JSON object of faults. */
export function readFaults(text: string | undefined): Partial<FaultSettings> {
  if (!text) return {};
  try {
    return JSON.parse(text) as Partial<FaultSettings>;
  } catch (error) {
    throw new Error('ROLLCALL_FAULTS is not JSON; write it like {"seed":1,"gone":0.1}.', { cause: error });
  }
}

/** Numbers from 0 to 1 that follow from the seed (the generator known as mulberry32). */
function randomSequence(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
