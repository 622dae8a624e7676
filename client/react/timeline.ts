/**
 * The timeline of a session as a component of React.
 *
 * @module react/timeline
 */

'use client';

import { createElement, type HTMLAttributes, type ReactElement, useEffect, useRef } from 'react';
import { showPresenceTimeline, type TimelineOptions } from '../timeline/index.ts';
import { onceJoined } from '../timeline/read.ts';
import { useSession } from './hooks.ts';

/** What {@link PresenceTimeline} takes: the options of `showPresenceTimeline`, and attributes of its `div`. */
export interface PresenceTimelineProps
  extends TimelineOptions,
    Omit<HTMLAttributes<HTMLDivElement>, keyof TimelineOptions> {}

/**
 * Shows who was in the session of the nearest `SessionProvider`, and why they left. The options hold as they are when it is mounted, but
 * it always calls the latest `onMove`.
 */
export function PresenceTimeline({
  at,
  onMove,
  formatTime,
  most,
  verify,
  words,
  ...attributes
}: PresenceTimelineProps): ReactElement {
  const session = useSession();
  const element = useRef<HTMLDivElement>(null);
  const latest = useRef<TimelineOptions>({});
  useEffect(() => {
    latest.current = { at, onMove, formatTime, most, verify, words };
  });
  useEffect(
    () =>
      showPresenceTimeline(element.current!, onceJoined(session), {
        ...latest.current,
        onMove: (to) => latest.current.onMove?.(to),
      }),
    [session],
  );
  return createElement('div', { ...attributes, ref: element });
}
