import type { Role, Status } from '../../protocol/entities.ts';
import { displayName } from '../../protocol/names.ts';
import type { World } from './access.ts';
import { checkData } from './check-message.ts';
import { Refusal } from './refusal.ts';
import type { Room } from './room.ts';

/** What a program says of an agent; absent fields change nothing. */
export interface TestAgentState {
  /** The name that others see; by default the id of the agent. */
  name?: string;
  /** The id of the user for whom it acts; null for nobody in particular. */
  onBehalfOf?: string | null;
  status?: Exclude<Status, 'offline'>;
  activity?: string | null;
  data?: Record<string, unknown>;
  cursor?: Record<string, unknown> | null;
  /** How long it is present without another call; 60 by default. */
  leaseSeconds?: number;
}

const role: Role = 'viewer';

/**
 * Makes an agent present in the live session of a key, or renews its lease, as the server API does.
 *
 * @returns the id under which others see it.
 * @throws Error if the key has no live session, or all slots are taken.
 */
export function setAgent(world: World, key: string, agentId: string, state: TestAgentState): string {
  const room = roomOf(world, key);
  const { leaseSeconds = 60, ...given } = state;
  const said = { ...given, name: displayName(given.name ?? '') || undefined };
  const userId = `agent-${agentId}`;
  const known = room.people.get(userId);
  if (room.access.removals.has(userId)) {
    throw new Refusal('PERMISSION_DENIED', 'This agent was removed from the session; use another one there.');
  }
  if (!known && room.access.isFullFor(userId, room.session.maxParticipants)) {
    throw new Refusal('SESSION_FULL', 'All slots of the session are taken.');
  }
  checkData(known?.user.data, said.data);
  const leaseUntil = world.now() + leaseSeconds * 1000;
  if (known) known.leaseUntil = leaseUntil;
  else {
    const { name = displayName(agentId) || 'Agent', onBehalfOf } = said;
    const mark = { kind: 'agent' as const, ...(onBehalfOf ? { onBehalfOf } : {}) };
    room.enterAgent({ userId, username: name, role, ...mark }, leaseUntil);
  }
  const { name, ...change } = said;
  room.changeAgent(userId, { ...change, ...(name === undefined ? {} : { username: name }) });
  return userId;
}

/** Ends an agent before its lease ends. Does nothing if it is not present. */
export function endAgent(world: World, key: string, agentId: string): void {
  roomOf(world, key).leave(`agent-${agentId}`, 'agent_ended');
}

function roomOf(world: World, key: string): Room {
  const room = [...world.rooms.values()].find(
    ({ session }) => session.status === 'active' && (session.key === key || session.id === key),
  );
  if (!room) throw new Error(`No session of the key "${key}" is open; let a client open it first.`);
  return room;
}
