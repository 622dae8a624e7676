import type { Joined } from '../../connections/membership.ts';
import { Overtaken } from '../../platform/turn.ts';
import { scheduleVisit } from '../scheduling/sweep-waker.ts';
import { firstVisitMillis, type Join } from './seating.ts';

/** Writes the membership and schedules a visit of the session, in parallel. */
export async function writeMembership(join: Join): Promise<void> {
  const { services, caller, membership } = join;
  const requests = [
    services.registry.isCompact(caller.connectionId),
    write(join),
    // Before the seat is taken: if the invocation is killed right after that, the sweep must look at the session.
    scheduleVisit(services, membership.sessionId, membership.joinedAt + firstVisitMillis(services.timings)),
  ] as const;
  // A failure waits for the other requests: the undo cannot take back a membership that is still being written.
  const [, written] = await Promise.allSettled(requests);
  if (written.status === 'fulfilled') {
    ({ membership: join.membership, isFirst: join.isFirst, kept: join.kept } = written.value);
    // A membership that was there before may belong to a join whose answer was lost. A failure here must not undo that join.
    if (written.value.isNew) join.hasWritten = true;
  }
  [join.compact] = await Promise.all(requests);
  join.hasWritten = true;
}

/** A join gets the next version of its connection. A connection that returns keeps the version of its last join. */
async function write({ services, membership, seating: { kept }, seatingTurn: { turn, known } }: Join): Promise<Joined> {
  const { registry } = services;
  if (!known) {
    const joined = await registry.join(membership, turn);
    return { ...joined, kept: joined.kept ?? kept };
  }
  const { connectionId: _, sessionId: __, ...fields } = { cursorRole: undefined, invisible: undefined, ...membership };
  if (!(await registry.amend(known, { ...fields, unseated: undefined }))) throw new Overtaken();
  const { version, joinedAt } = known;
  // The first version of a connection is the time of its first join plus one.
  return { membership: { ...membership, version }, isNew: false, isFirst: version === joinedAt + 1, kept };
}
