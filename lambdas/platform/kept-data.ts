/** The data of a user (rule PR16), as Redis has them. */
export interface ChangedData {
  /** As JSON. */
  text: string;
  /** Time of the change, Unix milliseconds. Each change of a user has a later time than the one before. */
  at: number;
  /** Whether the user has other connections in the session, whose memberships must store the data, too. */
  isShared: boolean;
}

/** The copy of a user's data in a membership of the connection table. */
export interface KeptData {
  /** The data as JSON, and the time of their last change (Unix milliseconds). */
  data?: string | undefined;
  dataAt?: number | undefined;
}
