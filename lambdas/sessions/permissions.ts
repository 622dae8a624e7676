import { type Role, roles } from '../../protocol/entities.ts';

/** What can be done in a session, least first; who may is decided by {@link isPermitted} alone (rule SE1). */
export type Action = 'view' | 'comment' | 'operate' | 'manage';

/** Where somebody stands in a session. */
export interface Standing {
  isOwner: boolean;
  /** Null for somebody who never took part or was removed. */
  role: Role | null;
  /** Whether the session is open to everybody. */
  isPublic: boolean;
}

const leastRole = { view: 'viewer', comment: 'commenter', operate: 'operator' } as const;

export function isPermitted(standing: Standing, action: Action): boolean {
  if (standing.isOwner) return true;
  if (action === 'manage') return false;
  if (action === 'view' && standing.isPublic) return true;
  return standing.role !== null && isAtLeast(standing.role, leastRole[action]);
}

/** Whether a role reaches another one: `viewer` < `commenter` < `operator`. */
export function isAtLeast(role: Role, least: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(least);
}
