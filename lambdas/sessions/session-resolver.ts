import { refusals } from './refusals.ts';
import { parseSessionReference } from './session-reference.ts';
import type { OwnedSession, SessionRepository, StoredAccess, StoredSession } from './session-repository.ts';

/** How many names one execution environment caches. */
const capacity = 10_000;

/** Finds the session of a reference, and caches the UUID of each name, because it never changes. */
export class SessionResolver {
  readonly #repository: SessionRepository;
  readonly #ids = new Map<string, string>();

  constructor(repository: SessionRepository) {
    this.#repository = repository;
  }

  /** @throws RollcallError `SESSION_NOT_FOUND` */
  async find(reference: string): Promise<StoredSession> {
    const parsed = this.#parse(reference);
    const stored = parsed && (await this.#repository.find(parsed));
    if (!stored) throw refusals.notFound();
    this.#remember(stored.session.sessionId, stored.session.id);
    return stored;
  }

  async findAccess(reference: string, personId: string): Promise<StoredAccess | undefined> {
    const parsed = this.#parse(reference);
    return parsed && this.#repository.findAccess(parsed, personId);
  }

  /**
   * The UUID of a name, also of the name of a purged session.
   *
   * @throws RollcallError `SESSION_NOT_FOUND` for an unknown name and for a text that is neither a name nor a UUID.
   */
  async resolve(reference: string): Promise<string> {
    const known = this.#parse(reference)?.id;
    if (known !== undefined) return known;
    const { id } = await this.findOwner(reference);
    this.#remember(reference, id);
    return id;
  }

  /** @throws RollcallError `SESSION_NOT_FOUND` */
  async findOwner(reference: string): Promise<OwnedSession> {
    const parsed = this.#parse(reference);
    const owner = parsed && (await this.#repository.findOwner(parsed));
    if (!owner) throw refusals.notFound();
    return owner;
  }

  #parse(reference: string) {
    const known = this.#ids.get(reference);
    return known === undefined ? parseSessionReference(reference) : { id: known };
  }

  #remember(name: string, id: string): void {
    if (this.#ids.size >= capacity) this.#ids.clear();
    this.#ids.set(name, id);
  }
}
