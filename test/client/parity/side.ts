import type { AccessClaim } from '../../../protocol/access-claim.ts';

/** A frame or a message; the cases read fields of many types. */
// biome-ignore lint/suspicious/noExplicitAny: the cases compare frames of all types.
export type Fields = Record<string, any>;

/** A connection to one of the two services. */
export interface Wire {
  userId: string;
  /** Sends a request. @returns its answer, without the `requestId`. */
  ask(type: string, fields?: object): Promise<Fields>;
  /** The frames that it received besides answers. */
  heard: Fields[];
  /** Closes the socket. */
  close(): void;
}

/** Who connects: a user with a token, or a guest with an invite. */
export interface Visit {
  /** The user id; by default a fresh one. */
  userId?: string;
  claim?: AccessClaim;
  invite?: string;
  /** The secret of the guest's browser. */
  secret?: string;
}

/** The service in memory, or the handlers of the functions with real stores. Both get the same messages. */
export interface Side {
  /** @throws Error if the handshake is refused. */
  connect(name: string, visit?: Visit): Promise<Wire>;
  /** Lets time pass. */
  wait(millis: number): Promise<void>;
  close(): Promise<void>;
}
