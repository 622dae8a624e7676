import { messageDollars } from '../cost/monthly-cost.ts';
import { awsPrices } from '../cost/prices.ts';
import { postWireBytes } from '../cost/request-bytes.ts';
import type { CountedLoad } from './loads.ts';

/** List prices of us-east-1 in US dollars, read on 2026-11-29: Fargate on arm64, an application load balancer, traffic between zones. */
const prices = {
  perProcessorHour: 0.03238,
  perMemoryGbHour: 0.00356,
  perBalancerHour: 0.0225,
  perCapacityUnitHour: 0.008,
  perZoneGb: 0.02,
} as const;
/** A capacity unit of the balancer carries this much. */
const capacityUnit = { connections: 3_000, newPerSecond: 25, gbPerHour: 1 };
/** Tasks in two zones, so that one may fail. */
const least = { processors: 2 * 0.5, memoryGb: 2 * 1 };
/** Seconds of CPU: of the plain `ws` server of `docs/benchmarks.md`, for a received and for a sent frame, and what may be used. */
const processor = { ofMessage: 0.1e-3, ofPost: 0.042e-3, usable: 0.5 };
const memoryOfConnection = 60_000;
const monthHours = 730;
const gigabyte = 1e9;

/** What a month of API Gateway costs: messages, connection minutes, and the requests of the posts through the NAT gateway. */
export function apiGatewayDollars(users: number, load: CountedLoad): number {
  const { units, people, hours } = load;
  const seconds = hours * 3600 * (users / people);
  const minutes = (users * hours * 60) / 1e6;
  const frame = units.posts > 0 ? units.postBytes / units.posts : 0;
  const wire = (units.posts * seconds * postWireBytes(frame)) / gigabyte;
  return (
    messageDollars((units.messages + units.postUnits) * seconds) +
    minutes * awsPrices.perMillionConnectionMinutes +
    wire * awsPrices.perNatGb
  );
}

/**
 * What the same would cost with a resident gateway: tasks that hold the connections, behind a load balancer. It invokes the same
 * functions, and they post to it inside the VPC, so runs, Redis and logs cost the same as now. The tasks run all month.
 */
export function residentDollars(users: number, load: CountedLoad): number {
  const { units, people, hours } = load;
  const rooms = users / people;
  const busy = rooms * (units.messages * processor.ofMessage + units.posts * processor.ofPost);
  const processors = Math.max(least.processors, busy / processor.usable);
  const memoryGb = Math.max(least.memoryGb, (users * memoryOfConnection) / gigabyte, 2 * processors);
  const frame = units.posts > 0 ? units.postBytes / units.posts : 0;
  const outPerHour = (rooms * units.posts * (frame + 71) * 3600) / gigabyte;
  const capacityUnits = Math.max(
    users / capacityUnit.connections,
    users / (111 * 60) / capacityUnit.newPerSecond,
    outPerHour / capacityUnit.gbPerHour,
  );
  // Half of the posts reach a task in the other zone. A post inside the VPC is not signed.
  const crossing = (rooms * units.posts * hours * 3600 * 0.5 * (frame + 300)) / gigabyte;
  return (
    monthHours * (processors * prices.perProcessorHour + memoryGb * prices.perMemoryGbHour + prices.perBalancerHour) +
    hours * capacityUnits * prices.perCapacityUnitHour +
    crossing * prices.perZoneGb
  );
}

/** From how many users on a resident gateway costs less, rounded to two digits and to whole users. */
export function crossover(load: CountedLoad): number {
  let [low, high] = [1, 1e7];
  while (high / low > 1.01) {
    const middle = Math.sqrt(low * high);
    if (residentDollars(middle, load) < apiGatewayDollars(middle, load)) high = middle;
    else low = middle;
  }
  return Math.round(Number(high.toPrecision(2)));
}
