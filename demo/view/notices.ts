import { button, element } from './dom.ts';

const shownMillis = 8000;

/** Short messages at the edge of the page. The same message is not shown twice at the same time. */
export class Notices {
  readonly root: HTMLElement;

  constructor() {
    this.root = element('div', { class: 'notices', attributes: { role: 'status' } });
  }

  show(text: string, kind: 'plain' | 'error' = 'plain'): void {
    if ([...this.root.children].some((each) => each.firstChild?.textContent === text)) return;
    const notice = element('div', { class: `notice ${kind}` }, element('span', {}, text));
    notice.append(button('Dismiss', () => notice.remove(), 'link'));
    this.root.append(notice);
    setTimeout(() => notice.remove(), shownMillis);
  }
}
