import { english, showInvite } from '../../client/ui/index.ts';
import { openDialog } from './dialog.ts';
import { element } from './dom.ts';
import { roleNames } from './people.ts';
import type { DemoSession } from './types.ts';

/** A dialog in which the owner creates invite links with a role. */
export function openShare(session: DemoSession): void {
  const container = element('div', { class: 'invite' });
  const lead = 'Anyone with the link joins as a guest, without an account. Open it in another tab to try it.';
  const dialog = openDialog('Invite people', () => [element('p', { class: 'quiet' }, lead), container]);
  const words = { role: roleNames, inviteRole: 'They may', invite: 'Create a link', link: english.link };
  const stop = showInvite(container, session, { roles: ['operator', 'commenter', 'viewer'], words });
  dialog.addEventListener('close', stop);
}
