import { randomUUID } from 'node:crypto';
import type { LambdaRuntime } from '../lambda/lambda-runtime.ts';
import { arn, localAccount } from '../template/local-account.ts';
import type { ScheduleDefinition } from '../template/schedules.ts';
import { type NextFiring, readScheduleExpression } from './schedule-expression.ts';

/** The result of a run that was fired manually. */
export interface ScheduleRun {
  functionName: string;
  answer?: unknown;
  error?: string;
}

interface Entry extends ScheduleDefinition {
  next: NextFiring;
}

/** The time between the start and the first firing. EventBridge also fires a new rule within its first period. */
const firstFiringMillis = 1000;
/** The longest timer of Node.js. A later firing needs several timers in a row. */
const longestTimerMillis = 2 ** 31 - 1;

/** The EventBridge rules of a stack. A slow run does not delay the next one, and a failed event is retried. */
export class Schedules {
  readonly #entries: Entry[];
  readonly #runtime: LambdaRuntime;
  readonly #timers = new Map<string, NodeJS.Timeout>();

  /** @throws Error for an unknown schedule expression. */
  constructor(definitions: ScheduleDefinition[], runtime: LambdaRuntime) {
    this.#runtime = runtime;
    this.#entries = definitions.map((definition) => ({
      ...definition,
      next: readScheduleExpression(definition.expression),
    }));
  }

  get names(): string[] {
    return this.#entries.map(({ name }) => name);
  }

  start(now: number): void {
    for (const entry of this.#entries) this.#arm(entry, now + firstFiringMillis);
  }

  stop(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  /**
   * Finds a schedule by the name of its rule or of a function that it invokes, in any case, or by a unique part of the
   * name.
   */
  find(name: string): ScheduleDefinition | undefined {
    const plain = (text: string) => text.toLowerCase().replace(/[^a-z0-9]/g, '');
    const namesOf = (entry: Entry) => [
      entry.name,
      entry.logicalId,
      ...entry.targets.map((target) => target.functionName),
    ];
    const wanted = plain(name);
    if (wanted === '') return undefined;
    const exact = this.#entries.find((entry) => namesOf(entry).some((candidate) => plain(candidate) === wanted));
    const partial = this.#entries.filter((entry) =>
      namesOf(entry).some((candidate) => plain(candidate).includes(wanted)),
    );
    return exact ?? (partial.length === 1 ? partial[0] : undefined);
  }

  /** Fires a schedule now and waits for its functions. */
  async fire(schedule: ScheduleDefinition): Promise<ScheduleRun[]> {
    return Promise.all(
      schedule.targets.map(async ({ functionName, input }) => {
        const payload = JSON.stringify(input ?? scheduledEvent(schedule, Date.now()));
        const { answer, error } = await this.#runtime.invoke(functionName, payload, `schedule ${schedule.name}`);
        return error ? { functionName, error: `${error.errorType}: ${error.errorMessage}` } : { functionName, answer };
      }),
    );
  }

  #arm(entry: Entry, at: number): void {
    const wait = Math.max(0, at - Date.now());
    const timer = setTimeout(
      () => {
        if (wait > longestTimerMillis) return this.#arm(entry, at);
        for (const { functionName, input } of entry.targets) {
          const payload = JSON.stringify(input ?? scheduledEvent(entry, at));
          void this.#runtime.invokeLater(functionName, payload, `schedule ${entry.name}`);
        }
        this.#arm(entry, entry.next(at));
      },
      Math.min(wait, longestTimerMillis),
    );
    this.#timers.set(entry.name, timer);
  }
}

function scheduledEvent({ name }: ScheduleDefinition, now: number): Record<string, unknown> {
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': 'Scheduled Event',
    source: 'aws.events',
    account: localAccount.account,
    time: new Date(now).toISOString().replace(/\.\d+Z$/, 'Z'),
    region: localAccount.region,
    resources: [arn('events', `rule/${name}`)],
    detail: {},
  };
}
