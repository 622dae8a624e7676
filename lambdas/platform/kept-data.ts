/** What a person told of themselves (rule PR16), as Redis has it. */
export interface ToldData {
  /** As JSON. */
  text: string;
  /** Unix milliseconds; each change of one person has a later one. */
  at: number;
  /** Whether the person has another connection in the session, which is to keep it, too. */
  isShared: boolean;
}

/** What a connection keeps of the data of its person, in the connection table. */
export interface KeptData {
  /** What the user told of themselves, as JSON, and when it changed last (Unix milliseconds). */
  data?: string | undefined;
  dataAt?: number | undefined;
}
