import type { TestClient } from './client.ts';

/** Waits for the diff with the join of a user. */
export function joinOf(client: TestClient, userId: string) {
  return client.next('presence_diff', (diff) => diff.joins.some((user) => user.userId === userId));
}

/** Waits for the leave of a user and returns its cause. */
export async function leaveOf(client: TestClient, userId: string): Promise<string> {
  const diff = await client.next('presence_diff', ({ leaves }) => leaves.some((one) => one.userId === userId));
  return diff.leaves.find((leave) => leave.userId === userId)!.cause;
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
export async function changeOf(
  client: TestClient,
  userId: string,
  matches: (change: Record<string, unknown>) => boolean,
): Promise<Record<string, unknown>> {
  const is = (change: { userId: string }) => change.userId === userId && matches(change);
  const diff = await client.next('presence_diff', ({ updates }) => updates.some(is));
  return diff.updates.find(is)!;
}

/** Sends heartbeats until the returned function is called or the socket ends. */
export function keepAlive(client: TestClient, sessionId: string, everyMillis: number): () => void {
  const timer = setInterval(() => client.send({ type: 'heartbeat', sessionId }), everyMillis);
  const stop = () => clearInterval(timer);
  client.socket.once('close', stop);
  return stop;
}
