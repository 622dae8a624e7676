import { button, element } from './dom.ts';
import { icon } from './icons.ts';

/** A modal dialog, in the middle of a wide window or at the bottom of a phone. It is removed when it is closed. */
export function openDialog(title: string, build: (close: () => void) => (Node | string)[]): HTMLDialogElement {
  const close = () => dialog.close();
  const closeButton = button(icon('close'), close, 'icon-button');
  closeButton.setAttribute('aria-label', 'Close');
  const heading = element('h2', { attributes: { id: `dialog-${crypto.randomUUID()}` } }, title);
  const dialog = element('dialog', { class: 'dialog', attributes: { 'aria-labelledby': heading.id } });
  dialog.append(element('header', { class: 'dialog-head' }, heading, closeButton), ...build(close));
  dialog.addEventListener('close', () => dialog.remove());
  dialog.addEventListener('click', ({ target }) => {
    // The event target is the dialog itself only for the backdrop. Everything else is in a child element.
    if (target === dialog) close();
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
