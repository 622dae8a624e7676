import type { Status } from '../../protocol/entities.ts';
import type { SeededRandom } from './seeded-random.ts';

/** How often simulated clients do each thing, in proportion. */
export type Weights<Name extends string> = Readonly<Record<Name, number>>;

/** Chooses what a simulated client does next. */
export function chooseAction<Name extends string, Run>(
  random: SeededRandom,
  weights: Weights<Name>,
  actions: Readonly<Record<Name, Run>>,
): { name: Name; run: Run } {
  const name = random.weighted<Name>(weights);
  return { name, run: actions[name] };
}

const statuses: Weights<Status> = { online: 2, away: 1, offline: 1 };

/** The frames in which simulated clients change their own state; the client adds the session. */
export class OwnStateFrames {
  readonly #events: number;
  #position = 0;

  /** @param events how many events the cursors point into, by turns. */
  constructor(events = 1) {
    this.#events = events;
  }

  /** A cursor whose position no earlier one has, so a check can tell which cursor is shown. */
  move(): { type: 'cursor_update'; cursor: { eventId: string; position: number } } {
    this.#position += 1;
    return {
      type: 'cursor_update',
      cursor: { eventId: `e${this.#position % this.#events}`, position: this.#position },
    };
  }

  /** A choice of a status. */
  choose(random: SeededRandom): { type: 'presence_update'; status: Status } {
    return { type: 'presence_update', status: random.weighted<Status>(statuses) };
  }
}
