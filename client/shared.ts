import type { JoinOptions } from './client-api.ts';
import type { Connection } from './connection.ts';
import type { Environment } from './environment.ts';
import type { Publisher } from './publisher.ts';

/** How a session is identified: by its id, or by the application's own key. */
export interface Target {
  sessionId?: string;
  key?: string;
  metadata?: object | undefined;
  invite?: string | undefined;
}

/** The options of a join, and who asks for it. */
export interface Joining extends JoinOptions {
  /** Whether a component of a view framework joins. It does so once while it is mounted. */
  isComponent?: boolean;
}

/** What all sessions of a client share. */
export interface Shared {
  environment: Environment;
  connection: Connection;
  throttleMillis: number | undefined;
  selfId(): string | undefined;
  /** Runs the joins and leaves of one session one after another. */
  serial<R>(name: string, run: () => Promise<R>): Promise<R>;
  /** Notes that the user did something. */
  touch(): void;
  /** Notes that a session was joined. */
  joined(publisher: Publisher): void;
  /** The sessions that have not ended. */
  sessions: { add(session: object): unknown; delete(session: object): boolean };
}
