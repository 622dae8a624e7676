import type { LiveSession } from '../../protocol/figures.ts';
import type { ApiError } from '../data/api.ts';
import { formatMoment, formatNumber, formatWithUnit } from '../data/format.ts';
import { addressOf } from '../route.ts';
import { button, element, field, link } from '../view/dom.ts';
import { loading, notice } from '../view/notice.ts';
import { createTable } from '../view/table.ts';
import type { Context, View } from '../view/view.ts';

type Order = 'people' | 'dollars';

interface Page {
  items: LiveSession[];
  next?: string;
  /** False if no sweep has visited the sessions in the last two minutes, for example while Redis is away. */
  isCurrent: boolean;
}

const pageSize = 25;
/** The search waits for this long after the last key, in milliseconds. */
const typingMillis = 300;

/** The name that people know a session by. */
export const titleOf = ({ title, key, name }: Pick<LiveSession, 'title' | 'key' | 'name'>) => title || key || name;

/** The sessions in which somebody is present. The service sorts, filters and pages them; the address has all three. */
export function sessionsView({ api, query, setQuery, onRefused }: Context): View {
  let order: Order = query.get('by') === 'dollars' ? 'dollars' : 'people';
  let search = query.get('search') ?? '';
  let before = query.get('before') ?? undefined;
  /** The pages before this one. After a reload they are not known, and the way back leads to the first page. */
  let earlier: (string | undefined)[] = before ? [undefined] : [];
  /** Whether the number of the page is known. It is not if the address names a later page. */
  let isPlaceKnown = before === undefined;
  let page: Page | undefined;
  let reading: AbortController | undefined;
  let typing: ReturnType<typeof setTimeout> | undefined;

  const input = element('input', {
    attributes: { type: 'search', maxlength: '255', placeholder: 'Title, key, name, owner or id' },
  });
  input.value = search;
  input.addEventListener('input', () => {
    clearTimeout(typing);
    typing = setTimeout(() => go({ search: input.value.trim() }), typingMillis);
  });

  const columns = ['Session', 'Key', 'Owner', 'Began', 'People', 'Online', 'Cost per hour'];
  const table = createTable({
    caption: 'Sessions with people',
    columns,
    isNumber: (column) => column > 3,
    quietCaption: true,
  });
  table.root.classList.add('tall');
  const sorts = { people: sorter('people', 'People', 4), dollars: sorter('dollars', 'Cost per hour', 6) };
  const previous = button('Previous page', () => {
    before = earlier.pop();
    show();
  });
  const next = button('Next page', () => {
    earlier.push(before);
    before = page?.next;
    show();
  });
  const count = element('p', { class: 'hint', attributes: { role: 'status' } });
  const state = element('div', { class: 'state' });
  const list = element(
    'div',
    { class: 'section' },
    table.root,
    element('div', { class: 'controls' }, previous, next, count),
  );
  const head = element('div', { class: 'view-head' }, element('h1', {}, 'Sessions'), field('Search', input));
  const root = element('div', {}, head, state, list);

  function sorter(by: Order, label: string, column: number): HTMLElement {
    const head = table.heads[column]!;
    head.replaceChildren(button(label, () => go({ order: by }), 'sort'));
    return head;
  }

  function go(changes: { order?: Order; search?: string }): void {
    order = changes.order ?? order;
    search = changes.search ?? search;
    before = undefined;
    earlier = [];
    show();
  }

  /** Shows the page that the state names, and puts it into the address. */
  function show(): void {
    setQuery({ by: order === 'dollars' ? order : undefined, search: search || undefined, before });
    void read();
  }

  async function read(): Promise<void> {
    reading?.abort();
    const own = new AbortController();
    reading = own;
    const asked = { by: order, limit: String(pageSize), ...(search && { search }), ...(before && { before }) };
    try {
      page = await api.read<Page>(`/service/sessions?${new URLSearchParams(asked)}`, own.signal);
      state.replaceChildren();
      draw(page);
    } catch (error) {
      if (own.signal.aborted) return;
      failed(error as ApiError);
    }
  }

  function failed({ failure, message }: ApiError): void {
    if (failure === 'signed-out' || failure === 'denied') {
      onRefused(failure);
      return;
    }
    // The list is read again with the next figures.
    if (page && (failure === 'busy' || failure === 'offline')) {
      count.textContent = message;
      return;
    }
    // The cursor of the address belongs to another list.
    const again = failure === 'refused' ? () => go({}) : () => void read();
    list.hidden = true;
    const action = { label: 'Try again', run: again };
    state.replaceChildren(notice({ title: 'No list of sessions', text: message, action, isAlert: true }));
  }

  function rangeOf(items: readonly LiveSession[]): string {
    isPlaceKnown ||= before === undefined;
    if (items.length === 0 || !isPlaceKnown) return '';
    const first = earlier.length * pageSize;
    return `${formatNumber(first + 1)} to ${formatNumber(first + items.length)}`;
  }

  function draw({ items, next: more, isCurrent }: Page): void {
    for (const [by, head] of Object.entries(sorts)) {
      if (by === order) head.setAttribute('aria-sort', 'descending');
      else head.removeAttribute('aria-sort');
    }
    // A page that is redrawn keeps the focus of the keyboard.
    const focused = table.root.contains(document.activeElement) ? document.activeElement?.getAttribute('href') : null;
    table.show(items.map(cellsOf));
    if (focused) table.root.querySelector<HTMLElement>(`[href="${CSS.escape(focused)}"]`)?.focus();
    previous.disabled = earlier.length === 0;
    next.disabled = more === undefined;
    count.textContent = rangeOf(items);
    list.hidden = items.length === 0 && earlier.length === 0;
    if (list.hidden) state.replaceChildren(emptyNotice(isCurrent));
  }

  function emptyNotice(isCurrent: boolean): HTMLElement {
    if (search) {
      const action = { label: 'Clear the search', run: clear };
      return notice({
        title: 'Nothing found',
        text: `No session with people has “${search}” in its title, key, name, owner or id.`,
        action,
      });
    }
    if (!isCurrent)
      return notice({
        title: 'Not known now',
        text: 'No sweep has visited the sessions in the last two minutes. The list comes back when the service works again.',
      });
    return notice({
      title: 'Nobody is here',
      text: 'No session has people now. This list changes when somebody joins.',
    });
  }

  function clear(): void {
    input.value = '';
    input.focus();
    go({ search: '' });
  }

  list.hidden = true;
  state.replaceChildren(loading('Reading the sessions …'));
  void read();
  return {
    ...{ title: 'Sessions', root },
    tick: () => void read(),
    resume: () => void read(),
    close() {
      clearTimeout(typing);
      reading?.abort();
    },
  };
}

function cellsOf(session: LiveSession) {
  const { sessionId, key, ownerName, startedAt, people, online, dollarsPerHour } = session;
  return [
    link(titleOf(session), addressOf(['sessions', sessionId], new URLSearchParams())),
    ...[key ?? '–', ownerName ?? '–', formatMoment(startedAt)],
    ...[formatNumber(people), formatNumber(online), formatWithUnit(dollarsPerHour, 'dollars').replace(' per hour', '')],
  ];
}
