import type { LeaveCause, Role, Status } from '../../protocol/entities.ts';
import type { ClientState } from '../client-state.ts';

/** All texts of the components; an application can pass another language. `{name}` is replaced. */
export interface Words {
  people: string;
  you: string;
  more: string;
  agent: string;
  onBehalfOf: string;
  status: Record<Status, string>;
  connection: Record<ClientState, string>;
  retry: string;
  left: Record<Exclude<LeaveCause, 'signed_in' | 'lease_ended' | 'agent_ended'> | 'unknown', string>;
  expiring: string;
  expired: string;
  expiredDetail: string;
  ended: string;
  removed: string;
  over: string;
  recover: string;
  home: string;
  following: string;
  followers: string;
  unfollow: string;
  invite: string;
  inviteRole: string;
  role: Record<Role, string>;
  link: string;
  until: string;
  copy: string;
  copied: string;
  copyByHand: string;
  revoke: string;
  revoked: string;
}

/** The default texts of all components. */
export const english: Words = {
  people: 'People in this session',
  you: '{name} (you)',
  more: '{count} more',
  agent: 'agent',
  onBehalfOf: 'on behalf of {name}',
  status: { online: 'online', away: 'away', offline: 'invisible' },
  connection: {
    idle: 'Not connected yet.',
    connecting: 'Connecting …',
    open: 'Connected.',
    waiting: 'The connection is lost. What you see may be old. Trying again …',
    closed: 'Not connected.',
  },
  retry: 'Connect again',
  left: {
    left: '{name} left.',
    disconnected: '{name} closed the page or lost the network.',
    timeout: '{name} was silent for too long.',
    removed: '{name} was removed by the owner.',
    session_ended: '{name} left because the session ended.',
    session_expired: '{name} left because the session expired.',
    gone: '{name} lost the connection.',
    unknown: '{name} left while you were away.',
  },
  expiring: 'This session ends soon, because nobody is doing anything.',
  expired: 'This session has expired',
  expiredDetail: 'Nobody did anything for too long. Its owner can bring it back for a day.',
  ended: 'The owner ended this session',
  removed: 'The owner removed you from this session',
  over: 'You cannot do anything here any more.',
  recover: 'Bring it back',
  home: 'Go to the start page',
  following: 'You follow {name}.',
  followers: 'Followed by {names}.',
  unfollow: 'Stop following',
  invite: 'Create an invite link',
  inviteRole: 'Role',
  role: { viewer: 'Viewer', commenter: 'Commenter', operator: 'Operator' },
  link: 'Invite link',
  until: 'The link works until {time}.',
  copy: 'Copy',
  copied: 'Copied.',
  copyByHand: 'Press Ctrl+C.',
  revoke: 'Revoke',
  revoked: 'Link revoked.',
};

/** The default texts, replaced by those of the application. */
export const wordsOf = (own: Partial<Words> | undefined): Words => ({ ...english, ...own });

/** Replaces the placeholders in a sentence. */
export const fill = (sentence: string, value: string | number) => sentence.replace(/\{\w+\}/, () => String(value));
