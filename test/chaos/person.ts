import { setTimeout as pause } from 'node:timers/promises';
import type { Status } from '../../protocol/entities.ts';
import { chooseAction, OwnStateFrames } from '../harness/actions.ts';
import type { SeededRandom } from '../harness/seeded-random.ts';
import { Tab, type TabListener } from './tab.ts';

export interface PersonOptions {
  websocket: string;
  token: string;
  sessionId: string;
  userId: string;
  random: SeededRandom;
  listener: TabListener;
  timings: { heartbeatMillis: number; graceMillis: number; offlineAfterMillis: number };
}

/** The relative frequency of each action. */
const weights = {
  move: 46,
  write: 8,
  choose: 7,
  idle: 7,
  openTab: 8,
  closeTab: 6,
  cutTab: 5,
  reload: 5,
  freeze: 3,
  leave: 4,
};

const texts = ['reading', 'typing', 'on the phone', 'in a "meeting"', 'schreibt über Äpfel 🍎'];
const mostTabs = 3;
const mostAttempts = 10;
/** The pause before a refused frame is sent again, in milliseconds. */
const retryMillis = 500;

type Message = Record<string, unknown> & { type: string };

/** A simulated user, with their true state. */
export class Person {
  readonly userId: string;
  readonly tabs: Tab[] = [];
  /** Their last acknowledged status and activity. */
  chosen: Status = 'online';
  activity: string | null = null;
  cursor: { eventId: string; position: number } | undefined;
  idle = false;
  /** When the last of the ended tabs ended. */
  #lastEnd = 0;
  readonly #options: PersonOptions;
  /** The cursors point into several events, so the compact form sends some of them whole. */
  readonly #frames = new OwnStateFrames(7);
  /** Until when others may see them because of ended tabs. */
  #echo = 0;

  readonly #actions: Record<keyof typeof weights, (tab: Tab) => void> = {
    move: (tab) => this.move(tab),
    write: (tab) => this.#write(tab),
    choose: (tab) => this.#choose(tab),
    idle: () => {
      this.idle = true;
    },
    openTab: () => this.tabs.length < mostTabs && this.openTab(),
    closeTab: (tab) => tab.close(),
    cutTab: (tab) => tab.cut(),
    reload: (tab) => {
      tab.close();
      this.openTab();
    },
    freeze: (tab) => tab.freeze(),
    leave: () => this.#leave(),
  };

  constructor(options: PersonOptions) {
    this.#options = options;
    this.userId = options.userId;
  }

  /** A tab because of which others must see them. */
  solidTab(now: number, settledMillis = 0): Tab | undefined {
    const margin = 1500;
    const offlineAfter = this.#options.timings.offlineAfterMillis - margin;
    return this.tabs.find((tab) => tab.isSolid(now, settledMillis, offlineAfter));
  }

  /** The time until which others may see them; Infinity while they are present. */
  get visibleUntil(): number {
    const { graceMillis, offlineAfterMillis } = this.#options.timings;
    return Math.max(this.#echo, ...this.tabs.map((tab) => tab.visibleUntil(graceMillis, offlineAfterMillis)));
  }

  /** Whether one of their tabs ended within the given milliseconds. */
  endedWithin(millis: number, now: number): boolean {
    const lastEnd = Math.max(this.#lastEnd, ...this.tabs.map((tab) => tab.end?.at ?? 0));
    return now - lastEnd < millis;
  }

  /** Does the next random action. */
  act(): void {
    const { random } = this.#options;
    this.#forgetEnded();
    const frozen = this.tabs.find((tab) => tab.frozen);
    if (frozen && random.chance(0.4)) {
      if (random.chance(0.5)) frozen.thaw();
      else frozen.cut();
      return;
    }
    const tab = this.tabs.find((one) => one.joinedAt !== undefined && !one.frozen && !one.leaving);
    if (tab) chooseAction(random, weights, this.#actions).run(tab);
    else if (this.tabs.length === 0) this.openTab();
  }

  openTab(): Tab {
    const { websocket, token, sessionId, listener, timings } = this.#options;
    const idle = () => this.idle;
    const tab = new Tab({ websocket, token, sessionId }, listener, { ...timings, idle });
    this.tabs.push(tab);
    void tab.arrive();
    return tab;
  }

  /** Moves the cursor. */
  move(tab: Tab): void {
    tab.send(this.#nextMove());
  }

  /** Moves the cursor and repeats it until it is acknowledged, so that others must see it. @returns false without a tab. */
  async point(): Promise<boolean> {
    const message = this.#nextMove();
    return this.#insist(() => message);
  }

  /** Sends the present state again until it is acknowledged, so that others must see it. */
  async settle(): Promise<void> {
    for (const tab of this.tabs) if (tab.frozen) tab.thaw();
    this.#forgetEnded();
    await this.#insist(() => ({ type: 'presence_update', status: this.chosen, activity: this.activity }));
  }

  #nextMove(): Message {
    const move = this.#frames.move();
    this.cursor = move.cursor;
    this.idle = false;
    // A cursor ends the status away, and an invisible user stays invisible.
    if (this.chosen === 'away') this.chosen = 'online';
    return move;
  }

  /** Repeats a refused frame, because on a slow machine the service may answer UNAVAILABLE. */
  async #insist(message: () => Message): Promise<boolean> {
    for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
      const tab = this.solidTab(Date.now());
      if (!tab) return false;
      if (await tab.acknowledge(message())) return true;
      await pause(retryMillis);
    }
    return false;
  }

  end(): void {
    for (const tab of this.tabs) tab.cut();
  }

  #write(tab: Tab): void {
    const { random } = this.#options;
    this.activity = random.chance(0.25) ? null : random.one(texts);
    this.idle = false;
    if (this.chosen === 'away') this.chosen = 'online';
    tab.send({ type: 'presence_update', activity: this.activity });
  }

  #choose(tab: Tab): void {
    const choice = this.#frames.choose(this.#options.random);
    this.chosen = choice.status;
    tab.send(choice);
  }

  #leave(): void {
    for (const tab of this.tabs) if (!tab.end && tab.joinedAt !== undefined) void tab.leave();
  }

  #forgetEnded(): void {
    const { graceMillis, offlineAfterMillis } = this.#options.timings;
    for (const tab of this.tabs.filter((one) => one.end)) {
      this.#echo = Math.max(this.#echo, tab.visibleUntil(graceMillis, offlineAfterMillis));
      this.#lastEnd = Math.max(this.#lastEnd, tab.end!.at);
      this.tabs.splice(this.tabs.indexOf(tab), 1);
    }
  }
}
