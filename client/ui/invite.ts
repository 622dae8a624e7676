import type { Role } from '../../protocol/entities.ts';
import type { RollcallError } from '../errors.ts';
import type { Invite, InviteTerms, Session } from '../session-api.ts';
import type { Types } from '../types.ts';
import { button, create, place } from './dom.ts';
import { fill, type Words, wordsOf } from './words.ts';

/** The options of {@link showInvite}. */
export interface InviteOptions extends Pick<InviteTerms, 'expiresInSeconds' | 'maxUses'> {
  /** The roles to choose from; the first one is preselected. Default: all, `viewer` first. */
  roles?: readonly Role[];
  /** Builds the link for an invite. By default the address of the page with the parameter `invite`. */
  linkOf?: (invite: string) => string;
  words?: Partial<Words>;
}

/**
 * A form with which the owner of a session makes an invite link. It shows the role, the link with a button to copy it, its expiry
 * and a button to revoke it. Other users do not see the form.
 *
 * @returns the function that removes the form; it does not revoke the link.
 */
export function showInvite<T extends Types>(
  container: Element,
  session: Session<T>,
  options: InviteOptions = {},
): () => void {
  const { linkOf = linkHere, expiresInSeconds, maxUses } = options;
  const words = wordsOf(options.words);
  const { roles = Object.keys(words.role) as Role[] } = options;
  const told = session as unknown as Session;
  const area = place(container, 'div', 'invite');
  const choice = create('select', { 'aria-label': words.inviteRole });
  for (const role of roles) choice.append(create('option', { value: role }, words.role[role]));
  const link = create('input', { readonly: '', 'aria-label': words.link });
  const state = create('span', { role: 'status' });
  const createButton = button(words.invite, () => attempt(make));
  const copyButton = button(words.copy, () => void copy());
  const revokeButton = button(words.revoke, () => attempt(revoke));
  let made: Invite | undefined;
  let isBusy = false;
  let until = '';

  /** Makes one request at a time; an error is shown with the message of the service. */
  async function attempt(request: () => Promise<string>): Promise<void> {
    if (isBusy) return;
    isBusy = true;
    state.textContent = await request().catch(({ message }: RollcallError) => message);
    isBusy = false;
  }

  async function make(): Promise<string> {
    made = await told.createInvite({ role: choice.value as Role, expiresInSeconds, maxUses });
    link.value = linkOf(made.invite);
    state.before(link, copyButton, revokeButton);
    link.select();
    until = fill(words.until, new Date(made.expiresAt).toLocaleString());
    return until;
  }

  async function revoke(): Promise<string> {
    await told.revokeInvite(made!.inviteId);
    for (const each of [link, copyButton, revokeButton]) each.remove();
    createButton.focus();
    return words.revoked;
  }

  async function copy(): Promise<void> {
    link.select();
    // A page without https has no clipboard, and a browser may ask for permission.
    try {
      await navigator.clipboard.writeText(link.value);
      state.textContent = `${words.copied} ${until}`;
    } catch {
      state.textContent = words.copyByHand;
    }
  }

  function update(): void {
    const { info, self } = told.getSnapshot();
    area.style.display = self && info?.ownerId === self.userId ? '' : 'none';
  }

  area.append(choice, createButton, state);
  update();
  const stop = told.subscribe(update);
  return () => {
    stop();
    area.remove();
  };
}

function linkHere(invite: string): string {
  const url = new URL(location.href);
  url.searchParams.set('invite', invite);
  return url.href;
}
