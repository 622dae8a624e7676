import type { ServerFrame } from '../../protocol/frames.ts';
import type { TestClient } from './client.ts';
import type { Silence } from './silence.ts';

type Diff = ServerFrame<'presence_diff'>;
type Part = 'joins' | 'leaves' | 'updates';

/** What was returned already, for each diff. One diff may tell of several users, so it is not taken as a whole. */
const returned = new WeakMap<object, Set<string>>();

/** Waits for the first entry about a user that was not returned before. */
async function entryOf<P extends Part>(
  client: TestClient,
  part: P,
  userId: string,
  matches: (entry: Diff[P][number]) => boolean = () => true,
): Promise<Diff[P][number]> {
  const key = `${part} ${userId}`;
  const find = (diff: Diff) => (diff[part] as Diff[P][number][]).find((one) => one.userId === userId && matches(one));
  const frame = await client.nextOf(
    (one) => one.type === 'presence_diff' && !returned.get(one)?.has(key) && find(one as Diff) !== undefined,
  );
  returned.set(frame, (returned.get(frame) ?? new Set()).add(key));
  return find(frame as Diff)!;
}

/** Waits for the join of a user and returns what the diff says about them. */
export function joinOf(client: TestClient, userId: string) {
  return entryOf(client, 'joins', userId);
}

/** Waits for the leave of a user and returns its cause. */
export async function leaveOf(client: TestClient, userId: string): Promise<string> {
  return (await entryOf(client, 'leaves', userId)).cause;
}

/** How often a client received the leave of a user. */
export function leavesOf(client: TestClient, userId: string): number {
  return client.framesOf('presence_diff').flatMap(({ leaves }) => leaves.filter((leave) => leave.userId === userId))
    .length;
}

/** How often a client received the join of a user. */
export function joinsOf(client: TestClient, userId: string): number {
  return client.framesOf('presence_diff').flatMap(({ joins }) => joins.filter((user) => user.userId === userId)).length;
}

/** Waits for an update of a user that satisfies a condition. */
export function changeOf(
  client: TestClient,
  userId: string,
  matches: (change: Record<string, unknown>) => boolean,
): Promise<Record<string, unknown>> {
  return entryOf(client, 'updates', userId, matches) as Promise<Record<string, unknown>>;
}

/** How often a kept user sends a frame. */
const everyMillis = 300;

/**
 * Keeps a user present whose silence is not what the test is about, until the returned function is called or the socket ends. The
 * connection reports `hidden`, so the service waits 150 seconds for its next frame (rule PR17). A busy machine may hold up
 * the heartbeats of a test for seconds, but not for so long.
 */
export async function stayPresent(client: TestClient, sessionId: string): Promise<() => void> {
  const heartbeat = { type: 'heartbeat', sessionId, hidden: true };
  await client.expect('ack', heartbeat);
  return repeat(client, () => client.send(heartbeat));
}

/**
 * Sends heartbeats until the returned function is called or the socket ends.
 *
 * @param silence notes how late the heartbeats were served.
 * @param isRefused whether the service is to refuse heartbeats now. Only then a refusal counts as service: a busy machine may
 *   refuse some because Redis is slow, and the user is silent meanwhile.
 */
export function keepAlive(
  client: TestClient,
  sessionId: string,
  silence: Silence,
  isRefused: () => boolean = () => false,
): () => void {
  const sentAt = new Map<string, number>();
  const answered = (data: unknown) => {
    const { type, requestId } = JSON.parse(String(data) || '{}') as { type?: string; requestId?: string };
    const at = requestId === undefined ? undefined : sentAt.get(requestId);
    if (at !== undefined && (type === 'ack' || isRefused())) silence.endedBy(at);
  };
  const beat = () => {
    const requestId = `alive-${sentAt.size}`;
    sentAt.set(requestId, performance.now());
    client.send({ type: 'heartbeat', sessionId, requestId });
  };
  client.socket.on('message', answered);
  const stop = repeat(client, beat);
  return () => {
    stop();
    silence.stop();
  };
}

function repeat(client: TestClient, send: () => void): () => void {
  const timer = setInterval(send, everyMillis);
  const stop = () => clearInterval(timer);
  client.socket.once('close', stop);
  return stop;
}
