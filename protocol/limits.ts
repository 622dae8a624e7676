/** Size limits of the protocol. Characters are UTF-16 code units as JavaScript counts them; bytes are UTF-8. */
export const limits = {
  messageBytes: 32 * 1024,
  /** Levels of nested lists and objects; the message itself is the first. */
  nestingLevels: 100,
  requestIdCharacters: 64,
  activityCharacters: 200,
  cursorBytes: 1024,
  /** Bytes of a user's data in one session, all keys together. */
  dataBytes: 2 * 1024,
  metadataBytes: 8 * 1024,
  detailsBytes: 8 * 1024,
  eventCharacters: 100,
  payloadBytes: 8 * 1024,
  operationIdCharacters: 255,
  keyCharacters: 255,
  /**
   * Bytes of the keys and roles in the access claim of a token. The result of an authorizer has at most 8 KB on AWS, and there
   * these take a third more.
   */
  accessClaimBytes: 4 * 1024,
  targetCharacters: 500,
  activityTypeCharacters: 100,
  nameCharacters: 200,
  machineIdCharacters: 255,
  maxParticipants: 1000,
  pageItems: 1000,
  /**
   * Bytes of members in one part of a diff, after which the next part begins. One more member always fits into 32 KB.
   */
  diffPartBytes: 24_000,
  /** Bytes of one list in a frame. API Gateway delivers up to 128 KB; the rest is for the other fields of the frame. */
  listBytes: 120 * 1024,
  messagesPerSecond: 20,
  messageBurst: 60,
} as const;
