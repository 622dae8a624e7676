import { randomUUID } from 'node:crypto';
import type { SmokeOptions } from './options.ts';
import type { Check } from './run-checks.ts';
import { Refused, SmokeSocket } from './socket.ts';

/** What the checks share: the later ones use the session of the earlier ones. */
interface Scene {
  owner?: SmokeSocket;
  guest?: SmokeSocket;
  sessionId?: string;
  invite?: string;
  guestId?: string;
}

/** What every deployment must do, in order. Each check needs the ones before it. */
export function serviceChecks(options: SmokeOptions): Check[] {
  const scene: Scene = {};
  return [
    { name: 'health', run: () => checkHealth(options) },
    { name: 'bad handshakes are refused', run: () => checkRefusals(options) },
    { name: 'connect', run: () => checkConnect(options, scene) },
    { name: 'join', run: () => checkJoin(options, scene) },
    { name: 'cursor', run: () => checkCursor(scene) },
    { name: 'leave', run: () => checkLeave(scene) },
    { name: 'a lost connection is announced', run: () => checkLoss(options, scene) },
    { name: 'audit trail', run: () => checkAudit(options, scene) },
    { name: 'end', run: () => checkEnd(scene) },
  ];
}

/** The stores answer. A function that has just started may need longer than its stores may take, so it is asked again. */
export async function checkHealth({ http, patienceMillis }: SmokeOptions): Promise<string> {
  const until = Date.now() + patienceMillis;
  for (;;) {
    const response = await fetch(`${http}/health`);
    const body = await response.text();
    if (response.status === 200) return Object.keys((JSON.parse(body) as { checks: object }).checks).join(', ');
    if (response.status !== 503 || Date.now() > until) {
      throw new Error(`GET /health answered ${response.status}: ${body.slice(0, 500)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

/** Creates a session over a new connection and ends it. */
export async function createAndEnd(options: SmokeOptions): Promise<void> {
  const socket = await SmokeSocket.open(options, { token: options.token });
  const { session } = await socket.ask('session_created', {
    type: 'session_create',
    operationId: `smoke-${randomUUID()}`,
  });
  await socket.ask('session_ended', { type: 'session_end', sessionId: session.id });
  socket.close();
}

async function checkRefusals(options: SmokeOptions): Promise<string> {
  const [header, claims, signature] = options.token.split('.');
  const forged = `${header}.${claims}.${[...(signature ?? '')].reverse().join('')}`;
  await expectRefusal(options, {}, 401);
  await expectRefusal(options, { token: forged }, 403);
  return '401 without a token, 403 with a forged one';
}

async function expectRefusal(options: SmokeOptions, credentials: { token?: string }, status: number): Promise<void> {
  const outcome = await SmokeSocket.open(options, credentials).catch((error: unknown) => error);
  if (outcome instanceof SmokeSocket) {
    outcome.close();
    throw new Error(`A handshake was accepted that must be refused with ${status}.`);
  }
  if (!(outcome instanceof Refused)) throw outcome;
  if (outcome.status !== status) throw new Error(`${outcome.message} Expected: ${status}.`);
}

async function checkConnect(options: SmokeOptions, scene: Scene): Promise<string> {
  scene.owner = await SmokeSocket.open(options, { token: options.token });
  const welcome = await scene.owner.ask('welcome', { type: 'hello' });
  return `as ${welcome.username}`;
}

async function checkJoin(options: SmokeOptions, scene: Scene): Promise<string> {
  const owner = needed(scene.owner);
  const create = { type: 'session_create', operationId: `smoke-${randomUUID()}`, metadata: { title: 'smoke' } };
  scene.sessionId = (await owner.ask('session_created', create)).session.id;
  const terms = { type: 'invite_create', sessionId: scene.sessionId, role: 'viewer', expiresInSeconds: 600 };
  scene.invite = (await owner.ask('invite_created', terms)).invite;
  await joinAsGuest(options, scene);
  return 'a guest joined by an invite, and the owner was told';
}

async function joinAsGuest(options: SmokeOptions, scene: Scene): Promise<void> {
  const [owner, sessionId] = [needed(scene.owner), needed(scene.sessionId)];
  const guest = await SmokeSocket.open(options, { query: { invite: needed(scene.invite), name: 'Smoke guest' } });
  const { userId } = await guest.ask('welcome', { type: 'hello' });
  await guest.ask('session_joined', { type: 'session_join', sessionId });
  await owner.next('presence_diff', ({ joins }) => joins.some((user) => user.userId === userId));
  Object.assign(scene, { guest, guestId: userId });
}

async function checkCursor({ owner, guest, sessionId, guestId }: Scene): Promise<string> {
  const cursor = { eventId: 'smoke', position: Date.now() };
  const began = Date.now();
  needed(guest).send({ type: 'cursor_update', sessionId, cursor });
  await needed(owner).next('cursors', ({ cursors }) =>
    cursors.some((one) => one.userId === guestId && one.cursor.position === cursor.position),
  );
  return `delivered after ${Date.now() - began} ms`;
}

async function checkLeave({ owner, guest, sessionId, guestId }: Scene): Promise<string> {
  await needed(guest).ask('session_left', { type: 'session_leave', sessionId });
  guest?.close();
  return `the owner was told: ${await causeOf(needed(owner), needed(guestId))}`;
}

async function checkLoss(options: SmokeOptions, scene: Scene): Promise<string> {
  await joinAsGuest(options, scene);
  needed(scene.guest).breakOff();
  const cause = await causeOf(needed(scene.owner), needed(scene.guestId));
  if (cause !== 'disconnected') throw new Error(`The cause is ${cause} and not disconnected.`);
  return 'after the grace';
}

async function causeOf(owner: SmokeSocket, userId: string): Promise<string> {
  const diff = await owner.next('presence_diff', ({ leaves }) => leaves.some((leave) => leave.userId === userId));
  return diff.leaves.find((leave) => leave.userId === userId)!.cause;
}

/** The entries that the checks before must have caused. */
const expectedTypes = ['session_created', 'user_joined', 'user_left'];

async function checkAudit({ http, token }: SmokeOptions, { sessionId }: Scene): Promise<string> {
  const address = `${http}/sessions/${needed(sessionId)}/activity?limit=100`;
  const response = await fetch(address, { headers: { authorization: `Bearer ${token}` } });
  if (!response.ok) throw new Error(`GET /sessions/{id}/activity answered ${response.status}.`);
  const { items } = (await response.json()) as { items: { activityType: string }[] };
  const missing = expectedTypes.filter((type) => !items.some(({ activityType }) => activityType === type));
  if (missing.length > 0) throw new Error(`The trail has ${items.length} entries and lacks ${missing.join(', ')}.`);
  return `${items.length} entries`;
}

async function checkEnd({ owner, sessionId }: Scene): Promise<string> {
  await needed(owner).ask('session_ended', { type: 'session_end', sessionId });
  owner?.close();
  return 'the session has ended';
}

function needed<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('An earlier check failed.');
  return value;
}
