/**
 * Who was in a session and why they left: a timeline of the audit trail, drawn into an element of the page.
 *
 * @module timeline
 */

export type { ActivityItem } from '../../protocol/entities.ts';
export type { TrailVerification } from '../verify/verify-trail.ts';
export type { TimelineSource } from './read.ts';
export { staysOf, type TimelinePerson, type TimelineStay } from './stays.ts';
export { showPresenceTimeline, type Timeline, type TimelineOptions } from './timeline.ts';
export { english, type TimelineWords } from './words.ts';
