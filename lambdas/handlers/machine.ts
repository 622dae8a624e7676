import { route } from '../adapters/route.ts';
import { refuseGuest } from '../flows/callers/people.ts';
import { sendParts } from '../flows/callers/send-parts.ts';
import { noticeFrame } from '../flows/connections/notice-frame.ts';
import { limitRate } from '../flows/connections/rate-limit.ts';
import { announceLiveness } from '../flows/liveness/announce-liveness.ts';
import { liveness, machines } from '../flows/liveness/machines.ts';

/** Routes about a user's machines. */
export const handler = route(
  'machine',
  {
    async machine_register({ machineId, name, metadata }, caller) {
      refuseGuest(caller);
      const { machine, revived } = await machines().register(caller, { machineId, name, metadata });
      if (revived) {
        const { active, activeAt } = machine;
        await announceLiveness({ type: 'machine_activity', machineId, active, activeAt, ownerId: caller.userId });
      }
      return { type: 'machine_registered', machine };
    },

    async machine_heartbeat({ machineId, time }, caller) {
      refuseGuest(caller);
      await machines().heartbeat(caller.userId, machineId, time);
      return undefined;
    },

    async machine_list(_, caller) {
      refuseGuest(caller);
      const owned = await machines().list(caller.userId);
      return sendParts(caller, owned, (some, part) => ({ type: 'machines', machines: some, ...part }));
    },
  },
  { limit: limitRate, notice: noticeFrame, finish: () => liveness().flush() },
);
