import { announceLiveness } from './flows/announce-liveness.ts';
import { noticeFrame } from './flows/notice-frame.ts';
import { refuseGuest } from './flows/people.ts';
import { sendParts } from './flows/send-parts.ts';
import { liveness, machines } from './runtime/machines.ts';
import { limitRate } from './runtime/rate-limit.ts';
import { route } from './runtime/route.ts';

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
