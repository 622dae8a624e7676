import type { Queryable } from '../platform/database.ts';
import { SetAside, waitingForLocks } from '../platform/set-aside.ts';
import * as sql from './early-warnings-sql.ts';
import { estimateSilence, noHistory, type SilenceHistory, silenceSteps } from './prediction/silence-model.ts';
import type { ExpiringSession, SweepTimings } from './sweep-repository.ts';

/** A session in which nobody is present, and the probability that nobody comes back. */
export interface SilentSession {
  sessionId: string;
  probability: number;
}

interface ClaimedRow {
  id: string;
  ownerId: string;
  lastActivityAt: number;
  mayWarn: boolean;
}

interface SilenceRow {
  ownerId: string;
  sessionId: string;
  step: number | null;
  count: number;
}

/** The silences of the session itself count twice. */
const ownWeight = 1;

/**
 * The early warnings (rule SE16). It estimates whether a silent session stays silent until its expiry, from the silences of its owner's last
 * sessions in the audit trail. It estimates each silence once in each step of the timeout. It writes only to the table
 * `session_foresight`, so it ends no session (rule SE17). A session whose row cannot be written is set aside.
 */
export class EarlyWarnings {
  readonly #database: Queryable;
  readonly #timings: SweepTimings;

  constructor(database: Queryable, timings: SweepTimings) {
    this.#database = database;
    this.#timings = timings;
  }

  /** Estimates at most `limit` silent sessions. Returns those to warn about, the most probable expiry first. */
  async likely(limit: number, now: number): Promise<{ looked: number; sure: SilentSession[] }> {
    const { sessionTimeoutMillis: timeout, sessionWarningMillis: warning } = this.#timings;
    const values = [timeout, now, this.#stepMillis, limit];
    const claimed = await this.#aside(now).togetherOrApart('early-warning', {
      together: () => this.#rows<ClaimedRow>('early-warning-claim', sql.claimSilent, [...values, warning, null]),
      ids: async () =>
        (await this.#rows<{ id: string }>('early-warning-due', sql.dueSilent, values)).map(({ id }) => id),
      apart: (ids) =>
        this.#rows<ClaimedRow>('early-warning-claim-apart', waitingForLocks(sql.claimSilent), [
          ...values,
          warning,
          ids,
        ]),
    });
    const candidates = claimed.filter(({ mayWarn }) => mayWarn);
    if (candidates.length === 0) return { looked: claimed.length, sure: [] };
    const ownerIds = candidates.map(({ ownerId }) => ownerId);
    const silences = await this.#rows<SilenceRow>('early-warning-history', sql.readSilences, [ownerIds, timeout]);
    const judged = candidates.map(({ id, ownerId, lastActivityAt }) => {
      const history = historyOf(silences, ownerId, id);
      return { sessionId: id, ...estimateSilence(history, (now - lastActivityAt) / timeout) };
    });
    const sure = judged.filter(({ isSure }) => isSure).sort((one, other) => other.probability - one.probability);
    return { looked: claimed.length, sure };
  }

  /** Claims the early warnings of those of the sessions in which nobody is present still, in the given order. */
  async claim(sessionIds: readonly string[], now: number): Promise<ExpiringSession[]> {
    const claim = (name: string, text: string) => (ids: readonly string[]) =>
      this.#rows<ExpiringSession>(name, text, [ids, now, this.#timings.sessionTimeoutMillis, this.#stepMillis]);
    const rows = await this.#aside(now).togetherOrApart('early-warning', {
      together: () => claim('early-warning-warn', sql.claimWarnings)(sessionIds),
      ids: async () => sessionIds,
      apart: claim('early-warning-warn-apart', waitingForLocks(sql.claimWarnings)),
    });
    const byId = new Map(rows.map((row) => [row.sessionId, row]));
    return sessionIds.flatMap((id) => byId.get(id) ?? []);
  }

  /** Gives back the claim of a session whose early warning could not be announced. */
  async release(sessionId: string): Promise<void> {
    await this.#rows('early-warning-release', sql.releaseWarning, [sessionId]);
  }

  #aside(now: number): SetAside {
    return new SetAside(this.#database, () => now);
  }

  get #stepMillis(): number {
    return this.#timings.sessionTimeoutMillis / silenceSteps;
  }

  async #rows<Row extends object>(name: string, text: string, values: unknown[]): Promise<Row[]> {
    return (await this.#database.query<Row>({ name, text, values })).rows;
  }
}

function historyOf(silences: readonly SilenceRow[], ownerId: string, sessionId: string): SilenceHistory {
  const returned = [...noHistory.returned];
  let lost = 0;
  for (const { ownerId: owner, sessionId: session, step, count } of silences) {
    if (owner !== ownerId) continue;
    const weighted = count * (session === sessionId ? 1 + ownWeight : 1);
    if (step === null) lost += weighted;
    else returned[step]! += weighted;
  }
  return { returned, lost };
}
