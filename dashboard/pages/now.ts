import { type Period, periods, periodWords } from '../data/model.ts';
import { sections } from '../figures/cards.ts';
import { element, select } from '../view/dom.ts';
import { createFigureCard } from '../view/figure-card.ts';
import { loading, notice } from '../view/notice.ts';
import type { Context, View } from '../view/view.ts';

/** The figures of the service, live. */
export function nowView({ model, query, setQuery, onRefused }: Context): View {
  const asked = Number(query.get('period'));
  model.setPeriod(periods.find((each) => each === asked) ?? model.period);
  const cards = sections.map((section) => section.cards.map(createFigureCard));
  const options = periods.map((each) => [String(each), `the last ${periodWords[each]}`] as const);
  const chooser = select('Plots show', options, String(model.period), (value) => {
    setQuery({ period: value });
    model.setPeriod(Number(value) as Period);
  });
  const state = element('div', { class: 'state' });
  const parts = sections.map(({ title }, index) =>
    element(
      'section',
      { class: 'section' },
      element('h2', {}, title),
      element('div', { class: 'cards' }, ...cards[index]!.map(({ root }) => root)),
    ),
  );
  const content = element('div', { class: 'sections' }, ...parts);
  const root = element(
    'div',
    {},
    element('div', { class: 'view-head' }, element('h1', {}, 'Now'), chooser),
    state,
    content,
  );

  function update(): void {
    const { failure, history } = model;
    if (failure?.failure === 'signed-out' || failure?.failure === 'denied') onRefused(failure.failure);
    content.hidden = history === undefined;
    const retry = { label: 'Try again', run: () => void model.load() };
    if (history) state.replaceChildren();
    else if (failure)
      state.replaceChildren(notice({ title: 'No figures', text: failure.message, action: retry, isAlert: true }));
    else if (!state.firstChild) state.replaceChildren(loading('Reading the figures …'));
    for (const card of cards.flat()) card.update(model);
  }

  update();
  return {
    ...{ title: 'Now', root, update },
    close() {
      for (const card of cards.flat()) card.close();
    },
  };
}
