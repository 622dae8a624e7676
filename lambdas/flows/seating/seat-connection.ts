import { RollcallError } from '../../../protocol/errors.ts';
import { logFailure } from '../../platform/log-failure.ts';
import { Overtaken } from '../../platform/turn.ts';
import type { Services } from '../../services/services.ts';
import type { Caller } from '../callers/caller.ts';
import { joinSteps } from './join-steps.ts';
import { runSteps, type Step, type Undoing } from './run-steps.ts';
import { Join, type Seated, type Seating, type SeatingTurn } from './seating.ts';
import { releaseSlot, scheduleVisitNow } from './undo-seating.ts';

const undoing: Undoing<Join> = {
  // A join that was overtaken is no failure: the later frame of the connection has written the rest already.
  isNeeded: (join, error) => join.hasWritten && !(error instanceof Overtaken) && !mayReturnAgain(join, error),
  failed: ({ services, membership: { sessionId } }, error) =>
    logFailure(services.log, 'A join that failed could not be undone', error, { sessionId }),
};

/** Whether the next frame of a connection that returns tries again. If the session refuses its user, nothing may be left of them. */
function mayReturnAgain({ seatingTurn: { known } }: Join, error: unknown): boolean {
  const isRefused = error instanceof RollcallError && error.code !== 'UNAVAILABLE';
  return known !== undefined && !isRefused;
}

/**
 * Makes a user present: takes a slot, writes the membership, seats the connection in Redis, and records and tells the
 * arrival. If a step fails, the join is undone, so nothing is stored of a user who never joined (rule FA6). A return that fails
 * is not undone: the connection has joined before, and its next frame returns.
 *
 * While Redis is away the join succeeds. The answer is then a snapshot from the connection table, and the sweep seats and
 * announces the connection later (rule FA1).
 *
 * @param takeSlot takes the slot of the user, or tells that they hold one.
 * @throws Overtaken if a later join or leave of the connection was served first (rule PR18). The slot is given back then,
 *   unless another connection of the user keeps it.
 */
export async function runJoin(
  services: Services,
  caller: Caller,
  takeSlot: () => Promise<Seating>,
  seatingTurn: SeatingTurn = {},
  steps: readonly Step<Join>[] = joinSteps,
): Promise<Seated> {
  const join = new Join(services, caller, takeSlot, seatingTurn);
  try {
    await runSteps(steps, join, undoing);
    return join.seated;
  } catch (error) {
    if (error instanceof Overtaken) await releaseSlot(services, join.membership);
    else if (mayReturnAgain(join, error)) {
      await scheduleVisitNow(join).catch((failure: unknown) => undoing.failed(join, failure));
    }
    throw error;
  }
}

/** Runs the same steps for a user whose slot is known already. */
export function seatConnection(
  services: Services,
  caller: Caller,
  seating: Seating,
  seatingTurn?: SeatingTurn,
): Promise<Seated> {
  return runJoin(services, caller, async () => seating, seatingTurn);
}
