import type { Load, RoomUnits } from './counted-room.ts';
import { ably, assumed, awsPrices, pubNub } from './prices.ts';
import { agentDollars, renewalsOf, webhookDollars, webhookMetrics } from './program-cost.ts';
import { logLineBytes, postWireBytes } from './request-bytes.ts';

export interface Usage extends Load {
  /** Users at the same time, in all rooms. */
  users: number;
  /** Hours of use in a month. */
  hours: number;
  /** Webhooks sent in a month, each event once for each endpoint that gets it. By default none. */
  webhooks?: number;
  /** Agents of the server API that are present in these hours at the same time. By default none. */
  agents?: number;
}

/** A position of the bill: what is counted, how much of it, and the US dollars for a month. */
export interface Position {
  what: string;
  /** In the unit that `what` names. */
  amount: number;
  dollars: number;
}

const million = 1e6;
const gigabyte = 1e9;
/** Functions that write metrics, each in at least one execution environment. */
const measuredFunctions = 13;
/** An execution environment writes a line of metrics at most once in this many seconds. A line has at most about this many bytes. */
const metricLine = { seconds: 10, bytes: 2_000 } as const;
/** The header of a WebSocket frame to a client, with TCP, IP and TLS. */
const frameOverheadBytes = 71;
/** A sweep reads the window of each session with moving cursors this often in a second. */
const windowReads = 3;
/** A client replaces its connection after this many minutes, on average, and then sends and receives two messages. */
const connectionMinutes = 111;

/** What messages cost, with the lower price above a billion. */
export function messageDollars(messages: number): number {
  const { first, rest, firstMillions } = awsPrices.perMillionMessages;
  const millions = messages / million;
  return Math.min(millions, firstMillions) * first + Math.max(0, millions - firstMillions) * rest;
}

/**
 * The bill of AWS for a month of use, by positions. What a deployment costs without users is not part of it.
 *
 * @param room what one room costs in a second.
 * @param options.platformLogs whether Lambda logs each run.
 */
export function monthlyCost(usage: Usage, room: RoomUnits, options: { platformLogs?: boolean } = {}): Position[] {
  const rooms = usage.users / usage.people;
  const seconds = usage.hours * 3600;
  const inMonth = (perSecond: number) => perSecond * rooms * seconds;
  const handshakes = (usage.users * usage.hours * 60) / connectionMinutes;
  const messages = inMonth(room.messages) + 2 * handshakes;
  const sent = inMonth(room.postUnits) + 2 * handshakes;
  // A handshake invokes the authorizer and `connect`; its end invokes `disconnect`.
  const runs = messages + 3 * handshakes;
  const reads = usage.movers > 0 ? inMonth(windowReads) : 0;
  const scripts = inMonth(room.scripts) + reads;
  const posts = inMonth(room.posts);
  const frameBytes = room.posts > 0 ? room.postBytes / room.posts : 0;
  const p = awsPrices;
  const lines = messages + 2 * handshakes;
  const logBytes = lines * logLineBytes() + (options.platformLogs ? runs * platformBytes : 0);
  const gbSeconds = (runs * assumed.runSeconds + inMonth(room.waits) + seconds) * assumed.memoryGb;
  // As many environments as runs take place at the same time, on average.
  const environments = measuredFunctions + (runs * assumed.runSeconds) / seconds + rooms * room.waits;
  const metricLines = Math.min(runs, (environments * seconds) / metricLine.seconds);
  const metricBytes = metricLines * metricLine.bytes;
  const minutes = usage.users * usage.hours * 60;
  const wire = posts * postWireBytes(frameBytes);
  const out = posts * (frameBytes + frameOverheadBytes);
  const { webhooks = 0, agents = 0 } = usage;
  const renewals = renewalsOf(agents, usage.hours);
  const metrics = webhooks > 0 ? webhookMetrics : 0;
  const position = (what: string, amount: number, dollars: number): Position => ({ what, amount, dollars });
  const received = messageDollars(messages + sent) * (messages / (messages + sent));
  return [
    position('messages received, in millions', messages / million, received),
    position('messages sent, in millions', sent / million, messageDollars(messages + sent) - received),
    position('connection minutes, in millions', minutes / million, (minutes / million) * p.perMillionConnectionMinutes),
    position('function runs, in millions', runs / million, (runs / million) * p.perMillionInvocations),
    position('their time, in thousand GB-seconds', gbSeconds / 1000, gbSeconds * p.perGbSecond),
    position(
      'Redis, in millions of ECPU',
      (scripts * assumed.ecpuOfScript) / million,
      ((scripts * assumed.ecpuOfScript) / million) * p.perMillionEcpu,
    ),
    position('requests of the posts through the NAT gateway, in GB', wire / gigabyte, (wire / gigabyte) * p.perNatGb),
    position('frames to the internet, in GB', out / gigabyte, (out / gigabyte) * p.perInternetGb),
    position('log lines, in GB', logBytes / gigabyte, (logBytes / gigabyte) * p.perLogGb),
    position('lines of metrics, in GB', metricBytes / gigabyte, (metricBytes / gigabyte) * p.perLogGb),
    position('webhooks, in thousands', webhooks / 1000, webhookDollars(webhooks)),
    position('metrics of webhooks', metrics, metrics * p.perMetric),
    position('renewals of agents, in thousands', renewals / 1000, agentDollars(renewals)),
  ];
}

/** The bytes of the three lines that Lambda logs for a run, with what CloudWatch adds. */
const platformBytes = 350;

export const totalOf = (positions: readonly Position[]) => positions.reduce((sum, { dollars }) => sum + dollars, 0);

/** The same load if each update is sent to each other user at once, as one JSON frame, and each heartbeat is answered. */
export function naiveRoom({ people, movers, hertz }: Load, frameBytes: number, heartbeats: number): RoomUnits {
  const updates = movers * hertz;
  const posts = updates * (people - 1) + heartbeats;
  return {
    messages: updates + heartbeats,
    posts,
    postUnits: posts,
    postBytes: posts * frameBytes,
    scripts: updates + heartbeats,
    waits: 0,
  };
}

/** What other providers list for the same load: naive fan-out, because they bill each delivery. */
export function peerPrices(usage: Usage): { name: string; dollars: number | undefined; source: string }[] {
  const seconds = usage.hours * 3600;
  const updates = (usage.users / usage.people) * usage.movers * usage.hertz * seconds;
  const messages = updates * usage.people;
  const minutes = usage.users * usage.hours * 60;
  const plan = pubNub.plans.find(([users]) => users >= usage.users);
  const from = ({ page, read }: { page: string; read: string }) => `${page}, ${read}`;
  return [
    {
      name: 'Ably, list price, without the discounts for volume',
      dollars: (messages * ably.perMillionMessages + minutes * ably.perMillionConnectionMinutes) / million,
      source: from(ably.source),
    },
    { name: 'PubNub, by monthly users, within its fair use', dollars: plan?.[1], source: from(pubNub.source) },
  ];
}
