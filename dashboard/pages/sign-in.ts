import type { Access } from '../access/access.ts';
import { element, field } from '../view/dom.ts';
import { notice } from '../view/notice.ts';

/**
 * Asks for a token, or leads to the identity provider.
 *
 * @param onToken called when there may be a token. @param onFailure called with a sentence if the identity provider does not answer.
 */
export function signInPage(
  access: Access,
  message: string | undefined,
  onToken: () => void,
  onFailure: (message: string) => void,
): HTMLElement {
  if (access.offers === 'redirect') {
    const text = message ?? 'The dashboard needs an account with the scope rollcall/admin.';
    return notice({
      title: 'Sign in',
      text,
      action: { label: 'Sign in', run: () => void access.redirect().catch((error: Error) => onFailure(error.message)) },
      isPage: true,
    });
  }
  const attributes = { required: '', rows: '4', spellcheck: 'false', autocomplete: 'off' };
  const input = element('textarea', { attributes });
  const submit = (event: Event) => {
    event.preventDefault();
    access.paste(input.value);
    onToken();
  };
  return element(
    'form',
    { class: 'notice', on: { submit } },
    element('h1', {}, 'Sign in'),
    element(
      'p',
      {},
      message ?? 'Paste a token of your identity provider with the scope rollcall/admin. It stays in this tab.',
    ),
    field('Token', input),
    element('button', { class: 'button primary', attributes: { type: 'submit' } }, 'Open the dashboard'),
  );
}
