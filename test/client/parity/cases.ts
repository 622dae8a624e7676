import type { Fields, Side, Wire } from './side.ts';

/** A test of both services. */
export interface ParityCase {
  title: string;
  /** Sends messages. @returns what the answers have in common, without ids and times. */
  run(side: Side): Promise<unknown>;
  expected: unknown;
}

/** The code of a refusal, or the type of another answer. */
export const kindOf = (answer: Fields): string => (answer['type'] === 'error' ? answer['code'] : answer['type']);

/** Sends a request. @returns the code of its refusal, or the type of its answer. */
export const tell = async (wire: Wire, type: string, fields: object = {}) => kindOf(await wire.ask(type, fields));

/** Creates a session, which its owner joins. @returns its id. */
export async function createBy(owner: Wire, metadata: object = {}): Promise<string> {
  const { session } = await owner.ask('session_create', { operationId: 'op', metadata });
  return session.id;
}

/** A session with its owner, a member of a role, a stranger and somebody who was removed; only the owner and the member are there. */
export async function stageOf(side: Side, metadata: object = {}, role = 'viewer') {
  const [owner, member, stranger, removed] = await Promise.all(
    ['Ada', 'Bob', 'Cleo', 'Dan'].map((name) => side.connect(name)),
  );
  const people = { owner: owner!, member: member!, stranger: stranger!, removed: removed! };
  const sessionId = await createBy(people.owner, metadata);
  const { invite, inviteId } = await people.owner.ask('invite_create', { sessionId, role });
  for (const wire of [people.member, people.removed]) await wire.ask('session_join', { sessionId, invite });
  await people.owner.ask('participant_remove', { sessionId, userId: people.removed.userId });
  return { ...people, sessionId, invite, inviteId };
}

/** The types and details of the newest entries of a session, the oldest first, without joins and leaves. */
export async function entriesOf(owner: Wire, sessionId: string): Promise<[string, object][]> {
  const { items } = await owner.ask('activity_query', { sessionId });
  return (items as Fields[])
    .filter(({ activityType }) => !/^(user_joined|user_left|session_created)$/.test(activityType))
    .map(({ activityType, details: { inviteId: _, targetUserId: __, ...details } }): [string, object] => [
      activityType,
      details,
    ])
    .reverse();
}
