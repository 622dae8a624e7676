/**
 * Avatars, cursors, invites, following and notices. Each function draws into an element of the page.
 *
 * @module ui
 */

export { colourOf } from '../colour.ts';
export { type AvatarOptions, showAvatars } from './avatars.ts';
export { type CursorOptions, type ElementPoint, showCursors } from './cursors.ts';
export type { Looks } from './dom.ts';
export { type Follow, type FollowOptions, showFollow } from './follow.ts';
export { type InviteOptions, showInvite } from './invite.ts';
export { type NoticeOptions, showNotices } from './notices.ts';
export { type StatusOptions, showStatus } from './status.ts';
export { english, type Words } from './words.ts';
