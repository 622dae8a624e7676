import type { Timings } from '../../protocol/timings.ts';
import type { ConnectionCap } from '../connections/connection-counters.ts';
import type { Caller } from '../flows/callers/caller.ts';

/**
 * The caps on the connections of a caller (rule CO1). A guest counts under their invite, because each connection without a
 * `guest` key has an id of its own.
 */
export function capsFor(
  { userId, guest, ipAddress }: Pick<Caller, 'userId' | 'guest' | 'ipAddress'>,
  most: Timings['connectionCaps'],
): ConnectionCap[] {
  const { inviteId } = guest ?? {};
  return [
    inviteId ? { by: 'invite', id: inviteId, most: most.invite } : { by: 'user', id: userId, most: most.user },
    ...(ipAddress ? [{ by: 'address', id: networkOf(ipAddress), most: most.address } as const] : []),
  ];
}

/** An IPv4 address, or the first half of an IPv6 address: one host can use every address with the same first half. */
function networkOf(address: string): string {
  if (!address.includes(':') || address.includes('.')) return address;
  const [head = '', tail] = address.split('::').map((part) => part.split(':').filter(Boolean));
  const zeros = tail === undefined ? 0 : 8 - head.length - tail.length;
  const groups = [...head, ...Array.from({ length: zeros }, () => '0'), ...(tail ?? [])];
  return groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, '').toLowerCase())
    .join(':');
}
