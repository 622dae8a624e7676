import { answer } from './answer.ts';
import { recordAndTell } from './record-and-tell.ts';
import type { Step } from './run-steps.ts';
import type { Join } from './seating.ts';
import { confirmSlot, holdSlot } from './slot.ts';
import { takeSeat } from './take-seat.ts';
import { endSeat, recordLeave, scheduleVisitNow, takeMembershipBack } from './undo-seating.ts';
import { writeMembership } from './write-membership.ts';

/**
 * A join, step by step. A failure is undone from the last step to the first. An invocation that is killed runs no undo: what
 * each step leaves behind then is described in docs/architecture.md.
 *
 * The undo of the membership also ends the seat, and in this order: as long as the membership exists, a frame in flight
 * would take the seat again. The leave is recorded before its slot is given back, and told after that. So the undo of the
 * slot records and tells it.
 */
export const joinSteps: readonly Step<Join>[] = [
  { name: 'slot', do: holdSlot, undo: [recordLeave, scheduleVisitNow] },
  { name: 'membership', do: writeMembership, undo: [takeMembershipBack, endSeat] },
  { name: 'seat', do: takeSeat, undo: [] },
  { name: 'slot again', do: confirmSlot, undo: [] },
  { name: 'record and tell', do: recordAndTell, undo: [] },
  { name: 'answer', do: answer, undo: [] },
];
