import type { Connection } from './connection.ts';
import type { Environment } from './environment.ts';

/** How a session is reached: by its id, or by the application's own key. */
export interface Target {
  sessionId?: string;
  key?: string;
  metadata?: object | undefined;
  invite?: string | undefined;
}

/** What sessions share. */
export interface Shared {
  environment: Environment;
  connection: Connection;
  throttleMillis: number | undefined;
  selfId(): string | undefined;
  /** Runs joins and leaves of one session one after the other. */
  serial<R>(name: string, run: () => Promise<R>): Promise<R>;
  /** The person did something. */
  touch(): void;
  /** The sessions that are not over. */
  sessions: { add(session: object): unknown; delete(session: object): boolean };
}
