import type { ClientState } from '../../client/client-state.ts';
import type { ServiceFigures } from '../../protocol/figures.ts';
import type { Api, ApiError } from './api.ts';
import { type History, type Known, lastKnown, takesFigures, withFigures } from './history.ts';

/** The periods of the plots, in seconds. */
export const periods = [900, 3600, 21_600, 86_400] as const;
export type Period = (typeof periods)[number];

/** A period in words, after "the last". */
export const periodWords: Record<Period, string> = { 900: '15 minutes', 3600: 'hour', 21600: '6 hours', 86400: 'day' };

const recentSeconds = 180;

/** What the page knows of the service. */
export class Model {
  readonly #api: Api;
  readonly #listeners = new Set<() => void>();
  #loading: AbortController | undefined;
  #mustLoad = true;
  /** The state of the socket. */
  state: ClientState = 'idle';
  period: Period = 3600;
  /** The figures of the plots; undefined until they are read. */
  history: History | undefined;
  /** Why the figures of the plots could not be read. */
  failure: ApiError | undefined;
  /** The latest figures of the socket, in steps of ten seconds. */
  recent: History = { from: 0, to: 0, stepSeconds: 10, items: [] };
  /** When figures last arrived, in Unix milliseconds. */
  updatedAt: number | undefined;

  constructor(api: Api) {
    this.#api = api;
  }

  /** @returns the function that unsubscribes. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  setState(state: ClientState): void {
    this.state = state;
    this.#tell();
  }

  setPeriod(period: Period): void {
    if (period === this.period && this.history) return;
    this.period = period;
    this.history = undefined;
    void this.load();
  }

  /** Takes figures of the socket. */
  take(figures: ServiceFigures): void {
    this.updatedAt = figures.at + figures.seconds * 1000;
    this.recent = withFigures(this.recent, figures, recentSeconds);
    const { history } = this;
    const isLate =
      history && !takesFigures(history, figures) && this.updatedAt >= history.to + history.stepSeconds * 1000;
    if (history && takesFigures(history, figures)) this.history = withFigures(history, figures, this.period);
    // A hidden page reads nothing. It loads again when it is visible.
    if ((this.#mustLoad || isLate) && !document.hidden) void this.load();
    this.#tell();
  }

  /** The last value that is known and current. */
  current<T>(read: (figures: ServiceFigures) => T | null): Known<T> | undefined {
    return lastKnown(this.recent, read) ?? (this.history && lastKnown(this.history, read));
  }

  /** Reads the figures of the period. After a failure it tries again when the next figures arrive. */
  async load(): Promise<void> {
    this.#loading?.abort();
    const loading = new AbortController();
    this.#loading = loading;
    this.#mustLoad = false;
    const to = Date.now();
    try {
      const query = `from=${to - this.period * 1000}&to=${to}`;
      const history = await this.#api.read<History>(`/service/figures?${query}`, loading.signal);
      if (loading.signal.aborted) return;
      // Figures may have arrived meanwhile.
      const newer = this.recent.items.filter((each) => each.at >= history.to && takesFigures(history, each));
      this.history = newer.reduce((known, each) => withFigures(known, each, this.period), history);
      this.failure = undefined;
    } catch (error) {
      if (loading.signal.aborted) return;
      this.failure = error as ApiError;
      this.#mustLoad = true;
    }
    this.#tell();
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
