import { v5 as uuidv5 } from 'uuid';
import type { AgentMark } from '../../connections/connection-registry.ts';
import { agentConnection } from '../../presence/seat.ts';
import type { Caller } from '../callers/caller.ts';
import type { Program } from './program.ts';

/** The namespace of the agents' ids. Any UUID works, but it must never change. */
const agents = '3e9d8a57-0c1f-4b6a-8f42-7d5b2e6c9a10';

/**
 * The id under which others see an agent. It is derived from the name that the application gives it, so an agent is the same in all
 * sessions and with all keys, and no program can choose the id of a user (rule SA9).
 */
export function agentUserId(agentId: string): string {
  return uuidv5(agentId, agents);
}

/** The agent as somebody who joins a session. */
export function callerOf({ ipAddress, userAgent }: Program, agentId: string, name: string, agent: AgentMark): Caller {
  const userId = agentUserId(agentId);
  return { connectionId: agentConnection(userId), userId, username: name, scopes: [], agent, ipAddress, userAgent };
}
