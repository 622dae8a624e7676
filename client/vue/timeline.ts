/**
 * The timeline of a session as a component of Vue.
 *
 * @module vue/timeline
 */

import { defineComponent, h, type PropType, shallowRef, watch } from 'vue';
import { showPresenceTimeline, type TimelineOptions } from '../timeline/index.ts';
import { onceJoined } from '../timeline/read.ts';
import { useSession } from './composables.ts';

/**
 * Shows who was in the session of the nearest `SessionProvider`, and why they left. It takes the options of `showPresenceTimeline`; they
 * hold as they are when it is mounted. `@move` tells the moment that the user chose.
 */
export const PresenceTimeline = defineComponent({
  name: 'PresenceTimeline',
  props: {
    /** The moment to show first, in Unix milliseconds. Default: the end. */
    at: Number,
    /** Called after the user chose another moment, in Unix milliseconds. */
    onMove: Function as PropType<TimelineOptions['onMove']>,
    /** A time in words, from Unix milliseconds. */
    formatTime: Function as PropType<TimelineOptions['formatTime']>,
    /** The largest number of entries to read. Default 10,000. */
    most: Number,
    /** Verifies what was read. */
    verify: Function as PropType<TimelineOptions['verify']>,
    /** Texts that replace the default ones. */
    words: Object as PropType<TimelineOptions['words']>,
  },
  setup(props) {
    const session = useSession();
    const element = shallowRef<HTMLElement>();
    watch([session, element], ([current, container], _, onCleanup) => {
      if (container)
        onCleanup(
          showPresenceTimeline(container, onceJoined(current), { ...props, onMove: (at) => props.onMove?.(at) }),
        );
    });
    return () => h('div', { ref: element });
  },
});
