import { Overtaken } from '../../platform/turn.ts';
import { degradedSnapshot } from '../presence/degraded-snapshot.ts';
import type { Join } from './seating.ts';

/** Answers with the snapshot. While Redis is away, marks the membership as unseated first, so that the sweep seats it later. */
export async function answer(join: Join): Promise<void> {
  const { services, seating, membership, outcome } = join;
  if (outcome) {
    join.seated = { ...outcome, role: seating.role };
    return;
  }
  // With the mark, the audit trail is known to have the arrival. Without it, the return asks the trail.
  const unseated = seating.activated || seating.isWritten || undefined;
  if (!(await services.registry.amend(membership, { unseated }))) throw new Overtaken();
  join.seated = { ...(await degradedSnapshot(services, membership)), role: seating.role };
}
