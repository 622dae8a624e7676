import { displayName } from '../../protocol/names.ts';
import type { Frame } from '../gather.ts';
import { type Call, refuseGuest } from './access.ts';
import { Refusal } from './refusal.ts';

const notFound = () => new Refusal('MACHINE_NOT_FOUND', 'You have no machine with this id. Register it first.');
const withoutOwner = ({ ownerId: _, ...machine }: { ownerId: string } & Record<string, unknown>) => machine;

/** The messages about machines. A machine belongs to the user who registered its id first. */
export const machineHandlers: Record<string, (call: Call) => object> = {
  machine_register(call) {
    refuseGuest(call);
    const { machines, now } = call.world;
    const { machineId, name, metadata = {} } = call.message as Frame & Record<'machineId' | 'name', string>;
    const ownerId = call.connection.userId;
    if ((machines.get(machineId)?.ownerId ?? ownerId) !== ownerId) throw notFound();
    const machine = { ownerId, machineId, name: displayName(name), metadata, active: true, activeAt: now() };
    machines.set(machineId, machine);
    return { type: 'machine_registered', machine: withoutOwner(machine) };
  },
  machine_heartbeat(call) {
    refuseGuest(call);
    const machine = call.world.machines.get(call.message['machineId'] as string);
    if (machine?.ownerId !== call.connection.userId) throw notFound();
    Object.assign(machine, { active: true, activeAt: call.world.now() });
    return { type: 'ack' };
  },
  machine_list(call) {
    refuseGuest(call);
    const own = [...call.world.machines.values()].filter(({ ownerId }) => ownerId === call.connection.userId);
    const place = ({ name, machineId }: Record<string, unknown>) => `${name} ${machineId}`;
    const machines = own.toSorted((one, other) => (place(one) < place(other) ? -1 : 1)).map(withoutOwner);
    return { type: 'machines', machines };
  },
};
