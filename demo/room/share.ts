import type { Role } from '../../client/index.ts';
import { openDialog } from './dialog.ts';
import { button, choices, element, field } from './dom.ts';
import { roleNames } from './people.ts';
import type { Toasts } from './toasts.ts';
import type { DemoSession } from './types.ts';

/** The owner makes links that let others in, with the role that the owner chooses. */
export function openShare(session: DemoSession, toasts: Toasts): void {
  let role: Role = 'operator';
  openDialog('Invite people', () => {
    const roles = (['viewer', 'commenter', 'operator'] as const).map((value) => ({ value, label: roleNames[value] }));
    const may = choices<Role>('They may', roles, (value) => {
      role = value;
    });
    may.show(role);
    const link = element('input', { attributes: { readonly: '' } });
    const shown = field('Invite link', link);
    shown.hidden = true;
    const line = element('p', { class: 'quiet', attributes: { role: 'status' } });
    line.textContent = 'Whoever has the link comes in as a guest, without an account.';
    const create = async () => {
      const { invite } = await session.createInvite({ role });
      const url = new URL(location.href);
      url.searchParams.set('invite', invite);
      link.value = url.href;
      shown.hidden = false;
      link.select();
      // Without permission for the clipboard the link is selected and can be copied by hand.
      const isCopied = await navigator.clipboard.writeText(link.value).then(
        () => true,
        () => false,
      );
      line.textContent = `${isCopied ? 'Copied.' : 'Copy the link.'} Open it in another tab, or send it to somebody.`;
    };
    return [may.root, button('Create a link', () => void toasts.attempt(create), 'button primary'), shown, line];
  });
}
