import type { Stay } from '../../protocol/entities.ts';
import type { ApiError } from '../data/api.ts';
import { formatMoment, unknown } from '../data/format.ts';
import { causeWord } from '../figures/cards.ts';
import { button, element, field } from './dom.ts';
import { createTable } from './table.ts';

export interface TimelineOptions {
  /** The beginning of the session, Unix milliseconds. */
  begin: number;
  /** The moment to show first. Default: the end. */
  at: number | undefined;
  /** Reads who was in the session at a moment. */
  read(at: number, signal: AbortSignal): Promise<Stay[]>;
  onChange(at: number): void;
}

/** While the slider moves, the people of a moment are read at most this often, in milliseconds. */
const restMillis = 150;
const minuteMillis = 60_000;

/** A slider over the time of a session. It shows who was here at that moment, as the audit trail has it. */
export function createTimeline({ begin, at: asked, read, onChange }: TimelineOptions) {
  let end = begin + 1000;
  let at = asked;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let reading: AbortController | undefined;
  const slider = element('input', { attributes: { type: 'range', min: '0' } });
  const output = element('p', { class: 'moment', attributes: { role: 'status' } });
  const columns = ['Name', 'Role', 'Joined', 'Left', 'How they left'];
  const table = createTable({ caption: 'Who was here', columns, isNumber: () => false, quietCaption: true });
  slider.addEventListener('input', () => move(begin + Number(slider.value) * 1000));
  const step = (millis: number) => () => move((at ?? end) + millis);
  const root = element(
    'section',
    { class: 'section timeline' },
    element('h2', {}, 'Who was here'),
    field('Moment', slider),
    element(
      'div',
      { class: 'controls' },
      button('Beginning', () => move(begin)),
      button('One minute earlier', step(-minuteMillis)),
      button('One minute later', step(minuteMillis)),
      button('End', () => move(end)),
    ),
    output,
    table.root,
  );

  function move(time: number): void {
    at = Math.min(end, Math.max(begin, Math.round(time)));
    draw();
    onChange(at);
    clearTimeout(timer);
    timer = setTimeout(() => void show(), restMillis);
  }

  function draw(): void {
    // The slider counts seconds since the beginning.
    const seconds = (time: number) => String(Math.ceil((time - begin) / 1000));
    slider.max = seconds(end);
    slider.value = seconds(at ?? end);
    slider.setAttribute('aria-valuetext', formatMoment(at ?? end));
  }

  async function show(): Promise<void> {
    reading?.abort();
    const own = new AbortController();
    reading = own;
    const moment = at ?? end;
    try {
      const stays = await read(moment, own.signal);
      const people =
        stays.length === 1
          ? 'One person was'
          : `${stays.length === 0 ? 'Nobody' : `${stays.length} people`} ${stays.length === 0 ? 'was' : 'were'}`;
      output.textContent = `${people} here at ${formatMoment(moment)}.`;
      table.root.hidden = stays.length === 0;
      table.show(stays.map(rowOf));
    } catch (error) {
      if (!own.signal.aborted) output.textContent = (error as ApiError).message;
    }
  }

  return {
    root,
    /** @param time the end of the session, or now. */
    setEnd(time: number): void {
      const isFirst = end === begin + 1000;
      end = Math.max(time, begin + 1000);
      if (isFirst && at !== undefined) at = Math.min(end, Math.max(begin, at));
      draw();
      // Without a chosen moment, the slider stays at the end.
      if (isFirst || at === undefined) void show();
    },
  };
}

function rowOf({ username, userId, role, joinedAt, leftAt, cause }: Stay): string[] {
  const left = leftAt === null ? 'is still here' : formatMoment(leftAt);
  return [
    username ?? userId,
    role ?? unknown,
    formatMoment(joinedAt),
    left,
    cause === null ? unknown : causeWord(cause),
  ];
}
