import type { Api } from '../data/api.ts';
import type { Model } from '../data/model.ts';

/** What every view gets. */
export interface Context {
  api: Api;
  model: Model;
  /** The part of the address after the path of the view. */
  query: URLSearchParams;
  /** Changes the query of the address, without a new entry in the history of the browser. */
  setQuery(changes: Record<string, string | undefined>): void;
  /** The service does not accept the token. */
  onRefused(failure: 'signed-out' | 'denied'): void;
}

/** What is shown below the header. */
export interface View {
  title: string;
  root: HTMLElement;
  /** Called when the model has changed. */
  update?(): void;
  /** Called with each new figures of the socket. */
  tick?(): void;
  /** Called when the page is visible again, or the connection is open again: what is shown may be old. */
  resume?(): void;
  close(): void;
}
