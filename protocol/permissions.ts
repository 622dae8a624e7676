import { type Role, roles } from './entities.ts';

/** What can be done in a session, from the least on. Only {@link isPermitted} decides who may (rule SE1). */
export type Action = 'view' | 'comment' | 'operate' | 'manage';

/** What decides what a person may do in a session. */
export interface Access {
  isOwner: boolean;
  /** Null if the person never took part or was removed. */
  role: Role | null;
  /** Whether every user may view and join the session. */
  isPublic: boolean;
}

const leastRole = { view: 'viewer', comment: 'commenter', operate: 'operator' } as const;

export function isPermitted(access: Access, action: Action): boolean {
  if (access.isOwner) return true;
  if (action === 'manage') return false;
  if (action === 'view' && access.isPublic) return true;
  return access.role !== null && isAtLeast(access.role, leastRole[action]);
}

/** Whether a role allows at least as much as another one: `viewer` < `commenter` < `operator`. */
export function isAtLeast(role: Role, least: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(least);
}
