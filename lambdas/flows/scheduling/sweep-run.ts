/** How much time a sweep has. */
export interface SweepTime {
  /** Milliseconds left before the sweep has to end. */
  remaining(): number;
}

/** What started a sweep: the schedule, a user who joined while none ran, or a sweep that has too much to do. */
export type SweepCause = 'schedule' | 'arrival' | 'load';

/** The event of a sweep that the product itself starts. */
export interface SweepEvent {
  cause?: 'load';
}

/** A running sweep. */
export interface SweepRun extends SweepTime {
  cause: SweepCause;
  /** The unique id of this run. */
  id: string;
  /** The ARN with which the running function was invoked, alias included. With it the function can start another sweep. */
  functionName: string;
}
