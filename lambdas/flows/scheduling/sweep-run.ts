/** How much time a sweep has. */
export interface SweepTime {
  /** Milliseconds left before the sweep has to end. */
  remaining(): number;
}

/** What started a sweep: the clock, somebody who came when none ran, or a sweep that has too much to do. */
export type SweepCause = 'schedule' | 'arrival' | 'load';

/** The event of a sweep that the product itself starts. */
export interface SweepEvent {
  cause?: 'load';
}

/** A sweep under way. */
export interface SweepRun extends SweepTime {
  cause: SweepCause;
  /** Names this run among all others. */
  id: string;
  /** The function that runs, by which it can start another sweep. */
  functionName: string;
}
