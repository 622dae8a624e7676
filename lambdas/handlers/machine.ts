import { route } from '../adapters/route.ts';
import { compose } from '../composition/compose.ts';
import { liveness, machines } from '../composition/liveness.ts';
import { messenger } from '../composition/messenger.ts';
import { presence, rateLimiter } from '../composition/presence.ts';
import { registry } from '../composition/registry.ts';
import { standard } from '../composition/standard.ts';
import { refuseGuest } from '../flows/callers/people.ts';
import { sendParts } from '../flows/callers/send-parts.ts';
import { noticeFrame } from '../flows/connections/notice-frame.ts';
import { limitRate } from '../flows/connections/rate-limit.ts';
import { announceLiveness } from '../flows/liveness/announce-liveness.ts';
import type { Services } from '../services/services.ts';

/** Routes about the machines of a user. */
export const machineRoute = (services: Services) =>
  route(
    'machine',
    {
      async machine_register({ machineId, name, metadata }, caller) {
        refuseGuest(caller);
        const { machine, revived } = await services.machines.register(caller, { machineId, name, metadata });
        if (revived) {
          const { active, activeAt } = machine;
          await announceLiveness(services, {
            type: 'machine_activity',
            machineId,
            active,
            activeAt,
            ownerId: caller.userId,
          });
        }
        return { type: 'machine_registered', machine };
      },

      async machine_heartbeat({ machineId, time }, caller) {
        refuseGuest(caller);
        await services.machines.heartbeat(caller.userId, machineId, time);
        return undefined;
      },

      async machine_list(_, caller) {
        refuseGuest(caller);
        const owned = await services.machines.list(caller.userId);
        return sendParts(services, caller, owned, (some, part) => ({ type: 'machines', machines: some, ...part }));
      },
    },
    {
      log: services.log,
      metrics: services.metrics,
      limit: (connectionId) => limitRate(services, connectionId),
      notice: (caller, message) => noticeFrame(services, caller, message),
      finish: () => services.liveness.flush(),
    },
  );

export const parts = { ...standard, presence, rateLimiter, registry, messenger, liveness, machines };
export const handler = machineRoute(compose(parts));
