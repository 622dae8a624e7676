/**
 * `npx rollcall webhooks list|add|remove|enable|disable|rotate|test|deliveries|replay` manages the endpoints of webhooks over the HTTP
 * API. By default it uses the stack that runs on this machine. `--api URL` and the variable `ROLLCALL_TOKEN`, a token with the scope
 * `rollcall/admin`, choose another one.
 */
import { parseArgs } from 'node:util';
import type { WebhookDelivery, WebhookEndpoint } from '../protocol/webhooks.ts';
import { parseTime } from './audit/parse-time.ts';
import { AdminApi } from './webhooks/admin-api.ts';
import { deliveryLine, endpointLines, secretLines } from './webhooks/sentences.ts';

const usage = `Usage: npx rollcall webhooks <command>
  list
  add <url> [--events user.joined,user.left] [--session <id>] [--key <key or prefix*>] [--description <text>]
  remove|enable|disable|test <id>
  rotate <id> [--overlap <seconds>]
  deliveries <id> [--state pending|delivered|dead]
  replay <id> --event <event id> | --dead | --from <time> [--to <time>]
Options: --api <URL>, --json. The variable ROLLCALL_TOKEN has the token; a local stack needs none.`;

const options = {
  api: { type: 'string' },
  json: { type: 'boolean', default: false },
  events: { type: 'string' },
  session: { type: 'string' },
  key: { type: 'string' },
  description: { type: 'string' },
  overlap: { type: 'string' },
  state: { type: 'string' },
  event: { type: 'string' },
  dead: { type: 'boolean', default: false },
  from: { type: 'string' },
  to: { type: 'string' },
} as const;

type Values = ReturnType<typeof parse>['values'];
const parse = (given: string[]) => parseArgs({ args: given, allowPositionals: true, options });

/** What a command does and prints. */
type Command = (api: AdminApi, target: string, values: Values) => Promise<{ result: unknown; lines: string[] }>;

const one = async (request: Promise<unknown>) => {
  const result = (await request) as { endpoint: WebhookEndpoint };
  return { result, lines: endpointLines(result.endpoint) };
};

const commands: Record<string, Command> = {
  async list(api) {
    const result = (await api.call('GET', '/webhooks')) as { items: WebhookEndpoint[] };
    return { result, lines: result.items.length > 0 ? result.items.flatMap(endpointLines) : ['There is no endpoint.'] };
  },
  async add(api, url, { events, session, key, description }) {
    const body = { url, session, key, description, events: events?.split(',') };
    const result = (await api.call('POST', '/webhooks', body)) as { endpoint: WebhookEndpoint; secret: string };
    return { result, lines: [...endpointLines(result.endpoint), ...secretLines(result.secret)] };
  },
  async remove(api, id) {
    return { result: await api.call('DELETE', `/webhooks/${id}`), lines: ['The endpoint is removed.'] };
  },
  enable: (api, id) => one(api.call('PATCH', `/webhooks/${id}`, { enabled: true })),
  disable: (api, id) => one(api.call('PATCH', `/webhooks/${id}`, { enabled: false })),
  async rotate(api, id, { overlap }) {
    const body = overlap === undefined ? {} : { overlapSeconds: Number(overlap) };
    const result = (await api.call('POST', `/webhooks/${id}/rotate`, body)) as {
      endpoint: WebhookEndpoint;
      secret: string;
    };
    return { result, lines: [...endpointLines(result.endpoint), ...secretLines(result.secret)] };
  },
  async test(api, id) {
    const { eventId } = (await api.call('POST', `/webhooks/${id}/test`)) as { eventId: string };
    const result = await api.attempted(id, eventId);
    return { result, lines: [deliveryLine(result)] };
  },
  async deliveries(api, id, { state }) {
    const query = state === undefined ? '' : `?state=${encodeURIComponent(state)}`;
    const result = (await api.call('GET', `/webhooks/${id}/deliveries${query}`)) as { items: WebhookDelivery[] };
    return { result, lines: result.items.length > 0 ? result.items.map(deliveryLine) : ['There is no delivery.'] };
  },
  async replay(api, id, { event, dead, from, to }) {
    const at = (text: string) => parseTime(text, Date.now());
    const period = from === undefined ? undefined : { from: at(from), ...(to === undefined ? {} : { to: at(to) }) };
    const asked = event === undefined ? (dead ? { dead: true } : period) : { eventId: event };
    if (!asked) throw new Error('Say what to send again: --event <id>, --dead, or --from <time>.');
    const queued = await api.replay(id, asked);
    return { result: { queued }, lines: [`Events that are sent again: ${queued}.`] };
  },
};

async function main(given: string[]): Promise<void> {
  const { values, positionals } = parse(given);
  const [name = '', target = '', ...rest] = positionals;
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!command || rest.length > 0 || (name === 'list') !== (target === '')) throw new Error(usage);
  const api = await AdminApi.open(values.api, process.env['ROLLCALL_TOKEN']);
  const path = name === 'add' ? target : encodeURIComponent(target);
  const { result, lines } = await command(api, path, values);
  console.log(values.json ? JSON.stringify(result) : lines.join('\n'));
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error((error as Error).message || (error as { code?: string }).code);
  process.exitCode = 2;
}
