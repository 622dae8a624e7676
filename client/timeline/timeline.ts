import type { ActivityItem } from '../../protocol/entities.ts';
import { colourOf } from '../colour.ts';
import { button, create } from '../ui/dom.ts';
import type { TrailVerification } from '../verify/verify-trail.ts';
import { fill, iconOf, rowOf, tableOf } from './parts.ts';
import { readTrail, type TimelineSource } from './read.ts';
import { isBroken, rowsOf, type TimelineRow, withSealedName } from './states.ts';
import { presentAt, staysOf, type TimelinePerson, type TimelineStay } from './stays.ts';
import { dress } from './style.ts';
import { english, type TimelineWords } from './words.ts';

/** Options of {@link showPresenceTimeline}. */
export interface TimelineOptions {
  /** The moment to show first, in Unix milliseconds. Default: the end. */
  at?: number;
  /** Called after the user chose another moment, in Unix milliseconds. */
  onMove?: (at: number) => void;
  /** A time in words, from Unix milliseconds. Default: the time of day, or date and time, in the language of the browser. */
  formatTime?: (time: number) => string;
  /** The largest number of entries to read; the latest ones. Default 10,000. */
  most?: number;
  /**
   * Verifies what was read, for example with `verifyTrail` of `@rollcall/client/verify`. The timeline shows the first row with a fault,
   * and marks all rows after it as not proved.
   *
   * @param entries newest first. @param isComplete whether they are the whole trail.
   */
  verify?: (entries: ActivityItem[], isComplete: boolean) => Promise<TrailVerification>;
  words?: Partial<TimelineWords>;
}

/** A timeline in the page. Calling it removes it. */
export interface Timeline {
  (): void;
  /** Reads the audit trail again. It never rejects: the timeline shows why it cannot be read. */
  refresh(): Promise<void>;
}

/** The table of entries has at most twice so many rows, around the fault or at the end. */
const halfTable = 500;

/**
 * Shows who was in a session: a row for each user with a bar for each stay, why it ended, and what the user did. A slider
 * chooses a moment. A chosen stay shows its cause, the last sign of life and the entry of the audit trail. The same is in tables.
 */
export function showPresenceTimeline(
  container: Element,
  source: TimelineSource,
  options: TimelineOptions = {},
): Timeline {
  const { most = 10_000, onMove, verify, formatTime } = options;
  const words = { ...english, ...options.words };
  let { at } = options;
  let selected: string | undefined;
  let reading = 0;
  let [begin, end] = [0, 1];
  let people: TimelinePerson[] = [];
  let rows = new Map<string | undefined, TimelineRow>();
  const says = create('p', { role: 'status' }, words.reading);
  const alarm = create('p', { role: 'alert' });
  const slider = create('input', { type: 'range', step: '1000', 'aria-label': words.moment, disabled: '' });
  const chart = create('ul', { 'aria-label': words.title });
  const about = create('dl', { 'aria-live': 'polite' });
  const tables = create('div', {});
  const parts = [says, alarm, slider, chart, about, tables];
  const root = create('section', { class: 'rollcall rollcall-timeline', 'aria-label': words.title }, ...parts);
  dress(container);
  container.append(root);

  function timeOf(time: number): string {
    if (formatTime) return formatTime(time);
    const date = new Date(time);
    const isOneDay = new Date(begin).toDateString() === new Date(end).toDateString();
    return isOneDay ? date.toLocaleTimeString() : date.toLocaleString();
  }
  const placeOf = (time: number) => (100 * (time - begin)) / (end - begin);
  const titleOf = ({ name, kind }: Pick<TimelinePerson, 'name' | 'kind'>) =>
    kind ? fill(words.agent, { name }) : name;
  const stateOf = ({ state }: TimelineRow = {}) => (state ? words.states[state]! : '');
  const entryOf = ({ id, activityType, details }: ActivityItem) =>
    [`#${rows.get(id)?.sequence ?? '–'} ${activityType}`, JSON.stringify(details), stateOf(rows.get(id))].join(' ');

  function factsOf({ joinedAt, leftAt, cause, lastSign, departure, ...person }: TimelineStay): string[] {
    const why = cause === null ? words.here : (words.causes[cause] ?? cause.replaceAll('_', ' '));
    return [
      ...[titleOf(person), timeOf(joinedAt), leftAt === null ? '–' : timeOf(leftAt), why],
      `${timeOf(lastSign.createdAt)} ${lastSign.activityType}`,
      departure ? entryOf(departure) : '–',
    ];
  }

  function move(): void {
    const time = at ?? end;
    const names = presentAt(people, time).map(titleOf);
    const sentence = [words.nobody, words.onePerson][names.length] ?? words.people;
    says.textContent = fill(sentence, { time: timeOf(time), number: names.length, names: names.join(', ') });
    slider.value = String(time);
    slider.setAttribute('aria-valuetext', timeOf(time));
    // A property of the root would make the browser compute the styles of all bars and ticks again.
    for (const line of chart.querySelectorAll('span')) line.style.left = `${placeOf(time)}%`;
  }

  slider.oninput = () => {
    at = Math.min(end, Number(slider.value));
    move();
    onMove?.(at);
  };

  function select(stay: TimelineStay): void {
    selected = stay.id;
    const facts = factsOf(stay);
    const items = words.stay.map((head, index) =>
      create('div', {}, create('dt', {}, head), create('dd', {}, facts[index]!)),
    );
    about.replaceChildren(...items);
    for (const bar of chart.querySelectorAll('button'))
      bar.setAttribute('aria-pressed', String(bar.dataset['id'] === selected));
  }

  function barOf(stay: TimelineStay): HTMLElement {
    const { id, userId, joinedAt, leftAt, cause, departure, activities } = stay;
    const [name, from, until, why] = factsOf(stay);
    const own = [id, departure?.id, ...activities.map((activity) => activity.id)].map((each) => rows.get(each) ?? {});
    const broken = own.find(isBroken);
    const label = [name, `${from} – ${until}`, why, stateOf(broken)].filter(Boolean).join(', ');
    const bar = button('', () => select(stay));
    bar.append(create('b', {}, why!), ` ${broken ? '⚠' : iconOf(cause)}`);
    bar.title = label;
    bar.setAttribute('aria-label', label);
    Object.assign(bar.dataset, { id, ...(broken && { broken: '' }) });
    if (own.some(({ state }) => state === 'unproved')) bar.dataset['unproved'] = '';
    bar.style.cssText = `--rollcall-colour:${colourOf({ userId })};left:min(${placeOf(joinedAt)}%,100% - 1.5rem);width:${placeOf(leftAt ?? end) - placeOf(joinedAt)}%`;
    return bar;
  }

  function lineOf({ stays, ...person }: TimelinePerson): HTMLElement {
    const acts = stays.flatMap(({ activities }) => activities);
    // Two acts closer than this are one tick.
    const places = new Set(acts.map(({ createdAt }) => placeOf(createdAt).toFixed(1)));
    const ticks = [...places].map((place) => {
      const tick = create('i', {});
      // A content security policy that forbids inline styles forbids the attribute `style`.
      tick.style.left = `${place}%`;
      return tick;
    });
    return create('li', {}, titleOf(person), create('div', {}, ...stays.map(barOf), ...ticks, create('span', {})));
  }

  function draw(entries: ActivityItem[], verification: TrailVerification | undefined, isComplete: boolean): void {
    people = staysOf(entries);
    const stays = people.flatMap((person) => person.stays);
    const trail = rowsOf(entries, verification);
    rows = new Map(trail.rows.map((row) => [row.entry?.id, row]));
    begin = Math.min(entries[0]?.createdAt ?? Date.now(), ...stays.map(({ joinedAt }) => joinedAt));
    const last = stays.some(({ leftAt }) => leftAt === null) ? Date.now() : (entries.at(-1)?.createdAt ?? 0);
    end = Math.max(begin + 1000, last);
    slider.min = String(begin);
    slider.max = String(begin + 1000 * Math.ceil((end - begin) / 1000));
    slider.disabled = false;
    const focused = (document.activeElement as HTMLElement | null)?.dataset['id'];
    chart.replaceChildren(...people.map(lineOf));
    chart.hidden = people.length === 0;
    for (const bar of chart.querySelectorAll('button')) if (bar.dataset['id'] === focused) bar.focus();
    const { broken, breakAt } = trail;
    if (breakAt === undefined) root.style.removeProperty('--break');
    else root.style.setProperty('--break', `${placeOf(breakAt)}%`);
    alarm.textContent = [
      broken && fill(words.broken, { number: broken.sequence ?? '–', state: stateOf(broken) }),
      isComplete ? '' : fill(words.partly, { number: entries.length }),
    ]
      .filter(Boolean)
      .join(' ');
    const middle = broken ? trail.rows.indexOf(broken) : trail.rows.length;
    const shown = trail.rows.slice(Math.max(0, middle - halfTable), middle + halfTable).map((row) => {
      const { entry, sequence = '–' } = row;
      const about = entry
        ? [timeOf(entry.createdAt), entry.username ?? entry.userId ?? '–', entry.activityType]
        : ['–', '–', '–'];
      const line = rowOf([String(sequence), ...about, stateOf(row)]);
      if (isBroken(row)) line.dataset['broken'] = '';
      return line;
    });
    const audit = tableOf(words.rows, words.row, shown);
    audit.open = !!broken;
    tables.replaceChildren(
      tableOf(
        words.stays,
        words.stay,
        stays.map((stay) => rowOf(factsOf(stay))),
      ),
      audit,
    );
    const chosen = stays.find(({ id }) => id === selected);
    about.replaceChildren();
    if (chosen) select(chosen);
    move();
  }

  async function refresh(): Promise<void> {
    reading += 1;
    const own = reading;
    try {
      const { entries, isComplete } = await readTrail(source, most);
      const verification = await verify?.(entries, isComplete);
      if (own === reading) draw(entries.toReversed().map(withSealedName), verification, isComplete);
    } catch (error) {
      if (own !== reading) return;
      const again = button(words.retry, () => void refresh());
      says.replaceChildren(`${(error as Error).message || words.failed} `, again);
    }
  }

  void refresh();
  return Object.assign(
    () => {
      reading = -1;
      root.remove();
    },
    { refresh },
  );
}
