import type { Condition } from './item-update.ts';
import { type AgentMark, expiry } from './membership.ts';

/** A renewal of the lease of an agent. */
export interface LeaseRenewal {
  username: string;
  agent: AgentMark & { renewedAt: number };
  /** Stores nothing if the table has another user for whom the agent acts. */
  sameUser: boolean;
}

/** The fields that a renewal stores, and its condition: the agent has a place in the session, and no later renewal is stored. */
export function leaseChange({ username, agent, sameUser }: LeaseRenewal): {
  fields: Record<string, unknown>;
  condition: Condition;
} {
  const { onBehalfOf, renewedAt, leaseUntil } = agent;
  const isNewest = '(attribute_not_exists(#agent.renewedAt) OR #agent.renewedAt < :renewedAt)';
  const isSame = onBehalfOf ? '#agent.onBehalfOf = :onBehalfOf' : 'attribute_not_exists(#agent.onBehalfOf)';
  return {
    fields: { username, agent, expiresAt: expiry(leaseUntil) },
    condition: {
      text: ['attribute_exists(userId)', isNewest, ...(sameUser ? [isSame] : [])].join(' AND '),
      values: { ':renewedAt': renewedAt, ...(sameUser && onBehalfOf ? { ':onBehalfOf': onBehalfOf } : {}) },
    },
  };
}
