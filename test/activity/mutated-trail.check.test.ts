import { randomUUID } from 'node:crypto';
import { verifyTrail } from '../../client/verify/index.ts';
import { CheckpointMaker } from '../../lambdas/activity/checkpoint-maker.ts';
import { CheckpointReader } from '../../lambdas/activity/checkpoint-reader.ts';
import { withoutConnection } from '../../lambdas/activity/linked-entry.ts';
import { type ActivityLink, inetText, jsonbText } from '../../protocol/audit-chain.ts';
import type { CheckpointProof } from '../../protocol/audit-checkpoint.ts';
import type { ActivityItem } from '../../protocol/entities.ts';
import { createLogger } from '../support/activity-logger.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { localSigner } from './local-signer.ts';
import { rehashed, tenEntries } from './tampered-trail.ts';

// Every value of an entry, of its link and of a proof is replaced by values of every JSON type and by similar values.

let database: TestDatabase;
let items: ActivityItem[];
let proofs: CheckpointProof[];
let publicKeys: string[];

beforeAll(async () => {
  database = await createDatabase();
  const logger = createLogger({ pool: database.pool });
  const sessionId = randomUUID();
  await tenEntries(logger, sessionId);
  const signer = localSigner();
  publicKeys = [signer.key];
  await logger.logActivity(randomUUID(), null, 'other');
  await logger.sealChains();
  const retentionMillis = 90 * 86_400_000;
  await new CheckpointMaker({ pool: database.pool, signer, clock: Date.now, retentionMillis }).run();
  items = (await logger.getRecentActivity(sessionId)).reverse();
  proofs = (await new CheckpointReader(database.pool).proofs(sessionId)).items;
});
afterAll(() => database.drop());

type Path = (string | number)[];

/** The paths of all values in a value, and of the fields that it could have. */
function pathsIn(value: unknown, base: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [base];
  return [base, ...Object.entries(value).flatMap(([key, inner]) => pathsIn(inner, [...base, key]))];
}

function at(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], value);
}

/** The value with another one at a path; undefined removes the field. */
function changed<T>(value: T, path: Path, other: unknown): T {
  const [key, ...rest] = path;
  if (key === undefined) return other as T;
  const copy = (Array.isArray(value) ? [...value] : { ...value }) as Record<string, unknown>;
  copy[key] = changed(copy[key] ?? {}, rest, other);
  if (copy[key] === undefined) delete copy[key];
  return copy as T;
}

function similar(value: unknown): unknown[] {
  const others = [
    ...[undefined, null, true, false, 0, -0, 1, 2, -1, 0.5, 1e21, 2 ** 53, '', '1', 'x', 'waiting', 'sealed', [], {}],
    ...[[null], [value], { value }, String(value), JSON.parse('{"__proto__": {"sequence": 6}}')],
  ];
  if (typeof value === 'number') others.push(value + 1, value - 1, value + 0.5, value + 1e-9, -value, `${value}.0`);
  if (typeof value === 'string') {
    others.push(
      value.toUpperCase(),
      `${value} `,
      ` ${value}`,
      `${value}\0`,
      value.slice(1),
      `'${value}`,
      Number(value),
    );
  }
  return others;
}

/** Exports have an apostrophe before what a spreadsheet would run. It has no meaning. */
const plain = (text: string | null) => text?.replace(/^'(?=[=@-])/, '') ?? text;

/** What an entry says to whom reads it. The name may be a later one, so `renamed` names such an entry. */
function meaning(item: ActivityItem) {
  const { id, sessionId, userId, username, activityType, details, ipAddress, userAgent, createdAt } = item;
  const { sequence, sealed } = item.link as ActivityLink;
  const name = plain(sealed?.username === undefined ? username : sealed.username);
  return {
    ...{ id, sessionId, userId, name, activityType, details: jsonbText(details), createdAt, sequence },
    userAgent: plain(userAgent),
    ipAddress: ipAddress === null ? null : inetText(ipAddress),
  };
}

/** Whether a verification says that these entries, with these proofs, are what was sealed. */
async function passes(entries: ActivityItem[], given = proofs): Promise<boolean> {
  const options = { isComplete: true, proofs: given, publicKeys };
  const { valid, waiting, unchecked } = await verifyTrail(entries, options);
  return valid && waiting.length + unchecked.length === 0;
}

const paths = (item: ActivityItem) => [
  ...pathsIn(item),
  ...['connectionHash', 'salt', 'end', 'sealed', 'toJSON', '__proto__'].map((name) => ['link', name]),
  ...['username', 'details', 'ipAddress'].map((name) => ['link', 'sealed', name]),
];

/** Which changes of an entry are not found although it says something else then. */
async function survivors(entries: ActivityItem[], index: number, again: (item: ActivityItem) => ActivityItem) {
  const found: unknown[] = [];
  const item = entries[index]!;
  for (const path of paths(item)) {
    for (const other of similar(at(item, path))) {
      let forged: ActivityItem;
      try {
        forged = again(changed(item, path, other));
      } catch {
        continue;
      }
      if (!(await passes(entries.with(index, forged)))) continue;
      try {
        expect(meaning(forged)).toStrictEqual(meaning(item));
      } catch {
        found.push([path.join('.'), other]);
      }
    }
  }
  return found;
}

test.each([0, 5, 9])('no change of a value of entry %i, its link or its proof is missed', async (index) => {
  expect(await passes(items)).toBe(true);
  expect(await survivors(items, index, (item) => item)).toEqual([]);
  const hidden = items.map(withoutConnection);
  expect(await passes(hidden)).toBe(true);
  expect(await survivors(hidden, index, (item) => item)).toEqual([]);
});

test.each([0, 5, 9])('no change of a value of entry %i is missed if its hash was computed again', async (index) => {
  expect(await survivors(items, index, rehashed)).toEqual([]);
});

test('no change of a value of a proof is missed', async () => {
  const found: unknown[] = [];
  const [proof] = proofs as [CheckpointProof];
  const says = ({ sessionId, sequence, hash, checkpoint }: CheckpointProof) => {
    const { signature: _, ...signed } = checkpoint;
    return { sessionId, sequence, hash, signed };
  };
  for (const path of pathsIn(proof)) {
    for (const other of similar(at(proof, path))) {
      const forged = changed(proof, path, other);
      if (!(await passes(items, [forged]))) continue;
      try {
        expect(says(forged)).toStrictEqual(says(proof));
      } catch {
        found.push([path.join('.'), other]);
      }
    }
  }
  expect(found).toEqual([]);
});

test('no entry of another kind is accepted among the entries', async () => {
  for (const other of similar(items[5])) {
    if (other === items[5]) continue;
    expect([other, await passes(items.toSpliced(5, 0, other as ActivityItem))]).toEqual([other, false]);
  }
});
